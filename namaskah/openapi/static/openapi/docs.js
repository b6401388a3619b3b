"use strict";

// Swagger UI has a dark style of its own, which it leaves to the page to switch on.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const followTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followTheme);
followTheme();

const place = document.getElementById("swagger-ui");

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  // The default asks a server of Swagger's about the description.
  validatorUrl: null,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  // Requests change money: nobody should send one by looking around.
  tryItOutEnabled: false,
  // API keys stay in the memory of this page.
  persistAuthorization: false,
});

// Of a double click the browser would show the second answer alone; the first may have a secret on it. The server acts
// once in any case, without this too.
"use strict";

const A_DOUBLE_CLICK_MS = 3000;

for (const form of document.querySelectorAll("form[data-once]")) {
    let sentAt = -Infinity;
    form.addEventListener("submit", (event) => {
        if (event.timeStamp - sentAt < A_DOUBLE_CLICK_MS) {
            event.preventDefault();
            return;
        }
        sentAt = event.timeStamp;
    });
}

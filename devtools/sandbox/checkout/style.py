"""How the pages look: nothing is loaded, light and dark, wide and narrow."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --page: #f3f5f7; --card: #fff; --text: #14202b; --soft: #5b6975; --line: #dde3e8;
  --accent: #0a6e5c; --on-accent: #fff; --bad: #b3261e; --note: #fff4d6; --on-note: #5c4300; }
@media (prefers-color-scheme: dark) { :root { --page: #0f1519; --card: #182127; --text: #e8eef2; --soft: #9aa9b5;
  --line: #2c3942; --accent: #4cc9ae; --on-accent: #06231d; --bad: #ff8a80; --note: #3a2f12; --on-note: #ffe2a0; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 28rem; margin: 0 auto; padding: 2.5rem 1rem; }
main.wide { max-width: 60rem; }
.sandbox { margin: 0 0 1rem; padding: .6rem .9rem; border-radius: .6rem; background: var(--note);
  color: var(--on-note); font-size: .875rem; }
.card { padding: 1.5rem; border: 1px solid var(--line); border-radius: .9rem; background: var(--card); }
h1 { margin: 0; font-size: 1.05rem; }
h1 + p { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
.amount { margin: 1.1rem 0; padding: .9rem 0; border: solid var(--line); border-width: 1px 0; font-size: 2rem;
  font-weight: 650; font-variant-numeric: tabular-nums; letter-spacing: -.01em; overflow-wrap: anywhere; }
.notice { margin: 0 0 1rem; font-weight: 600; }
.notice.bad { color: var(--bad); }
.notice.good { color: var(--accent); }
fieldset { margin: 0 0 1rem; padding: 0; border: 0; }
legend, .label { display: block; padding: 0; margin-bottom: .3rem; color: var(--soft); font-size: .875rem; }
.choice { display: flex; align-items: center; gap: .6rem; padding: .35rem 0; }
.choice input { width: 1.1rem; height: 1.1rem; margin: 0; accent-color: var(--accent); }
input[type=text] { width: 100%; min-width: 0; padding: .6rem .7rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--page); color: inherit; font: inherit; }
button, .button { display: block; width: 100%; padding: .7rem 1rem; border: 1px solid var(--line); border-radius: .5rem;
  background: transparent; color: inherit; font: inherit; font-weight: 600; text-align: center; text-decoration: none;
  cursor: pointer; }
button:hover, .button:hover { border-color: var(--soft); }
.main { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .6rem; margin: .6rem 0 1.25rem; }
button.whole { margin-top: .6rem; }
.other { padding-top: 1.1rem; border-top: 1px solid var(--line); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .3rem 1rem; margin: 0 0 1.25rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; text-align: right; }
.scroll { margin-top: .75rem; overflow-x: auto; }
.long { max-width: 15rem; overflow: hidden; text-overflow: ellipsis; }
table { width: 100%; border-collapse: collapse; font-size: .925rem; }
th { color: var(--soft); font-weight: 500; text-align: left; }
th, td { padding: .55rem .75rem .55rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
a { color: var(--accent); }
.foot { margin: 1rem 0 0; color: var(--soft); font-size: .875rem; text-align: center; }
"""

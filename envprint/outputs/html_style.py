"""The style of a page: light and dark, narrow and wide, on paper; no file is loaded for it."""

STYLE = """
:root{color-scheme:light dark;--back:#fff;--front:#1b1f24;--soft:#59636e;--line:#d1d9e0;
--panel:#f6f8fa;--link:#0550ae;--good:#116329;--mild:#7d4e00;--bad:#b3261e;--mark:#fff8c5;
--c0:#0550ae;--c1:#9a6700;--c2:#8250df;--c3:#bc4c00;--c4:#1a7f37;--c5:#a40e26;--free:#d1d9e0;
--rest:#8c959f}
@media (prefers-color-scheme:dark){:root{--back:#0d1117;--front:#e6edf3;--soft:#9da7b3;
--line:#3d444d;--panel:#151b23;--link:#79c0ff;--good:#56d364;--mild:#e3b341;--bad:#ff8a80;
--mark:#3b2e00;--c0:#58a6ff;--c1:#e3b341;--c2:#bc8cff;--c3:#ffa657;--c4:#56d364;--c5:#ff7b72;
--free:#3d444d;--rest:#6e7681}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0 auto;padding:1rem;max-width:84rem;background:var(--back);color:var(--front);
font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.4rem;line-height:1.3;margin:.5rem 0}
h2{font-size:1.15rem;margin:2rem 0 .5rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:0 0 .4rem}
p,ul,ol,dl{margin:.4rem 0}
ul,ol{padding-left:1.5rem}
a{color:var(--link)}
a:focus-visible,button:focus-visible,input:focus-visible,summary:focus-visible,
[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
code,pre{font:.9em/1.45 ui-monospace,monospace}
pre{margin:.4rem 0;padding:.5rem .7rem;background:var(--panel);border:1px solid var(--line);
border-radius:6px;white-space:pre-wrap}
.skip{position:absolute;left:-99rem}
.skip:focus{position:static}
.count,.soft,footer{color:var(--soft);font-weight:normal}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1rem;list-style:none;padding:0}
.impact{display:inline-block;padding:0 .5em;border:1px solid currentcolor;border-radius:1em;
font-size:.85em;font-weight:600;text-transform:uppercase;white-space:nowrap}
.none,.perf{color:var(--good)}
.numeric,.open{color:var(--mild)}
.diverges,.breaks{color:var(--bad)}
article{margin:.8rem 0;padding:.7rem .9rem;border:1px solid var(--line);border-radius:6px}
article:target,tr:target{background:var(--mark)}
article .rule{float:right;margin-left:1rem;font-weight:normal}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.2rem 1rem}
dt{color:var(--soft)}
dd{margin:0}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.93em}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{text-align:left;vertical-align:top;padding:.25rem .8rem .25rem 0;
border-bottom:1px solid var(--line);min-width:6rem}
th{overflow-wrap:break-word}
tbody th{font-weight:normal}
th button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;
cursor:pointer;text-align:left}
th button::after{content:" \\2195";content:" \\2195"/"";color:var(--soft)}
th[aria-sort=ascending] button::after{content:" \\25b2";content:" \\25b2"/""}
th[aria-sort=descending] button::after{content:" \\25bc";content:" \\25bc"/""}
tr.differs td,tr.differs th{background:var(--mark)}
form:has([value=differs]:checked)~details tr.differs :is(td,th){background:none}
h3~div h3,div+div>h3{margin-top:1.2rem}
form{display:flex;flex-wrap:wrap;gap:.4rem 1.2rem;align-items:center;margin:.6rem 0}
fieldset{display:flex;flex-wrap:wrap;gap:.2rem 1rem;border:0;margin:0;padding:0}
legend{float:left;margin-right:1rem;color:var(--soft)}
input[type=search]{font:inherit;width:min(20rem,100%);padding:.25rem .5rem;color:inherit;
background:var(--back);border:1px solid var(--soft);border-radius:6px}
[hidden]{display:none!important}
details{margin:.3rem 0}
summary{cursor:pointer;padding:.2rem 0}
svg{display:block;width:100%;height:auto;max-width:60rem}
svg.swatch{display:inline-block;width:.9em;height:.9em;margin-right:.5em;vertical-align:-.1em}
svg text{fill:var(--front);font:12px system-ui,sans-serif}
.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}
.c4{fill:var(--c4)}.c5{fill:var(--c5)}.free{fill:var(--free)}.rest{fill:var(--rest)}
.axis{stroke:var(--soft);stroke-width:1}
.curve{fill:none;stroke-width:2}
.curve.used{stroke:var(--c0)}.curve.own{stroke:var(--c4);stroke-dasharray:6 3}
.gap{fill:var(--free);opacity:.6}
@media (max-width:40rem){body{padding:.6rem}th,td{padding-right:.4rem}dl{grid-template-columns:1fr}
dd{margin:0 0 .3rem}article .rule{float:none;display:block;margin:0}}
@page{margin:14mm}
@media print{body{max-width:none;padding:0;font-size:10pt}nav,form,.skip{display:none}
h2,h3,summary{break-after:avoid}article,tr{break-inside:avoid}.wide{overflow:visible}a{color:inherit}
a[href^=https]::after{content:none}}
"""

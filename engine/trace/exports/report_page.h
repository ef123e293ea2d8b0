// The report's style and script: kept apart so that report_html.cpp is about content. No network, no library.
// The page reads {tokens, nPrompt, masks, steps, segments} from the JSON block that report_html.cpp embeds.
#pragma once

namespace spanscope::trace {

inline constexpr const char* kReportStyle = R"CSS(
:root{color-scheme:light dark;--ground:#fbfbf9;--panel:#fff;--ink:#1c2126;--soft:#616a73;--line:#dfe2e4;
--attended:#0b7285;--attendedsoft:#d6eef2;--skip:#d9dcdf;--own:#e8590c;--chip:#eceff1;--warn:#b42318}
@media(prefers-color-scheme:dark){:root{--ground:#14171a;--panel:#1c2024;--ink:#e6e9eb;--soft:#9aa4ad;--line:#343a40;
--attended:#4fc3d9;--attendedsoft:#123c45;--skip:#3d444b;--own:#ff922b;--chip:#2b3137;--warn:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.55 system-ui,"Segoe UI","DejaVu Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 24px 64px}
header h1{font-size:26px;line-height:1.25;margin:0 0 4px;font-weight:650;letter-spacing:-.01em}
header p{margin:0;color:var(--soft)}
.warning{border-left:3px solid var(--warn);padding:6px 12px;margin:16px 0 0;background:var(--panel)}
.right{color:#1a7f37}.wrong{color:var(--warn)}.quiet{color:var(--soft)}.source{color:var(--attended)}
.unsupported{text-decoration:underline dashed #9a6700 2px}.text.plain{font-family:system-ui,sans-serif}
.answer{margin:20px 0 0;font-size:20px}.answer b{font-variant-numeric:tabular-nums}
h2{font-size:17px;margin:36px 0 10px;font-weight:650}
.hint{color:var(--soft);margin:0 0 10px}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(170px,1fr));gap:10px;margin:20px 0 0}
.card{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:10px 14px}
.card span{display:block;color:var(--soft);font-size:13px}.card b{font-size:20px;font-weight:620;font-variant-numeric:tabular-nums}
.card small{display:block;color:var(--soft)}
.text{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:14px 16px;max-height:460px;overflow:auto;
font:14px/1.7 ui-monospace,"DejaVu Sans Mono",Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
.text h3{font:600 13px/1 system-ui,sans-serif;color:var(--soft);margin:0 0 8px;white-space:normal}
.text h3:not(:first-child){margin-top:18px;padding-top:14px;border-top:1px solid var(--line)}
.t{border-radius:3px;transition:opacity .08s}.t.s{cursor:pointer}
.t.chip{background:var(--chip);color:var(--soft);font-size:12px;padding:1px 4px;margin:0 1px}
.picked .t{opacity:.28}.picked .t.lit{opacity:1;background:var(--attendedsoft)}
.picked .t.now{opacity:1;background:var(--own);color:#fff}
#state{min-height:1.6em;margin:8px 0 0;color:var(--soft);font-variant-numeric:tabular-nums}
figure{margin:0;background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:14px}
figure canvas,figure img,figure svg{display:block;width:100%;height:auto}
figcaption{color:var(--soft);font-size:13px;margin-top:10px}
.key{display:inline-flex;align-items:center;gap:6px;margin-right:16px}
.key i{width:14px;height:14px;border-radius:3px;border:1px solid var(--line)}
.k-attended{background:var(--attended)}
.k-skip{background:repeating-linear-gradient(45deg,var(--skip) 0 3px,transparent 3px 5px)}
.wrap{overflow-x:auto}
table{border-collapse:collapse;width:100%;background:var(--panel);border:1px solid var(--line);border-radius:8px}
th,td{text-align:left;padding:6px 12px;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft);font-size:13px}tr:last-child td{border-bottom:0}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tbody tr[data-step]{cursor:pointer}tbody tr[data-step]:hover{background:var(--attendedsoft)}
:focus-visible{outline:2px solid var(--own);outline-offset:2px}
@media print{.text{max-height:none}main{padding:0}}
)CSS";

inline constexpr const char* kReportScript = R"JS(
"use strict";
(function(){
const run=JSON.parse(document.getElementById("run").textContent),nP=run.nPrompt,steps=run.steps,masks=run.masks;
const spans=[...document.querySelectorAll(".t")],text=document.getElementById("text"),state=document.getElementById("state");
let locked=-1,shown=-1;
function attended(i){const s=steps[i],p=nP+i;return masks[s[0]].map(([b,e])=>[b,Math.min(e<0?p+1:e,p+1)]).filter(([b,e])=>b<e)}
function show(i){
 if(i===shown)return;shown=i;
 for(const e of text.querySelectorAll(".lit,.now"))e.classList.remove("lit","now");
 text.classList.toggle("picked",i>=0);
 if(i>=0){
  for(const [b,e] of attended(i))for(let k=b;k<e;k++)spans[k]&&spans[k].classList.add("lit");
  spans[nP+i].classList.add("now");
  const s=steps[i],g=s[2]>=0?run.segments[s[2]]:"outside any segment";
  state.textContent="Step "+i+", position "+(nP+i)+", "+s[1]+" ("+g+"): attends to "+s[3]+" of "+(nP+i+1)+" tokens, loads "+s[4]+
   " in whole pages (mean over layers), "+(s[5]/1e6).toFixed(2)+" ms"+(locked>=0?". Locked: Esc frees, arrow keys move.":"");
 }else state.textContent="Point at a token of the response: what it attends to is lit, the rest dimmed. Click to lock.";
 draw();
}
function stepOf(e){const t=e.target.closest&&e.target.closest(".t.s");return t?spans.indexOf(t)-nP:-1}
text.addEventListener("mousemove",e=>{if(locked<0)show(stepOf(e))});
text.addEventListener("mouseleave",()=>{if(locked<0)show(-1)});
text.addEventListener("click",e=>{const i=stepOf(e);locked=i===locked?-1:i;shown=-2;show(i)});
function lock(i){locked=Math.max(0,Math.min(steps.length-1,i));shown=-2;show(locked);
 spans[nP+locked].scrollIntoView({block:"nearest"})}
document.addEventListener("keydown",e=>{
 if(e.key==="Escape"){locked=-1;show(-1)}
 else if(locked>=0&&(e.key==="ArrowRight"||e.key==="ArrowLeft")){lock(locked+(e.key==="ArrowRight"?1:-1)*(e.shiftKey?10:1));e.preventDefault()}
});
for(const row of document.querySelectorAll("tr[data-step]")){
 row.tabIndex=0;
 row.addEventListener("click",()=>lock(+row.dataset.step));
 row.addEventListener("keydown",e=>{if(e.key==="Enter")lock(+row.dataset.step)});
}
const canvas=document.getElementById("mask"),c=canvas.getContext("2d");
function colour(name){return getComputedStyle(document.documentElement).getPropertyValue(name).trim()}
function draw(){
 const n=nP+steps.length,w=canvas.clientWidth*devicePixelRatio|0,h=Math.max(120,Math.min(720,steps.length*3))*devicePixelRatio|0;
 if(!w||!steps.length)return;
 if(canvas.width!==w||canvas.height!==h){canvas.width=w;canvas.height=h}
 const x=w/n,y=h/steps.length,min=Math.max(1,devicePixelRatio);
 c.clearRect(0,0,w,h);
 const tile=document.createElement("canvas");tile.width=tile.height=6;const q=tile.getContext("2d");
 q.strokeStyle=colour("--skip");q.lineWidth=1.5;q.beginPath();q.moveTo(0,6);q.lineTo(6,0);q.moveTo(-1,1);q.lineTo(1,-1);q.moveTo(5,7);q.lineTo(7,5);q.stroke();
 c.fillStyle=c.createPattern(tile,"repeat");c.beginPath();c.moveTo(0,0);
 c.lineTo(nP*x,0);c.lineTo(w,h);c.lineTo(0,h);c.closePath();c.fill();
 c.fillStyle=colour("--attended");
 for(let i=0;i<steps.length;i++)for(const [b,e] of attended(i))c.fillRect(b*x,i*y,Math.max(min,(e-b)*x),Math.max(min,y));
 if(shown>=0){c.strokeStyle=colour("--own");c.lineWidth=2*devicePixelRatio;c.strokeRect(1,shown*y-devicePixelRatio,w-2,Math.max(min,y)+2*devicePixelRatio)}
}
canvas.addEventListener("mousemove",e=>{if(locked<0)show(Math.min(steps.length-1,Math.floor(e.offsetY/canvas.clientHeight*steps.length)))});
canvas.addEventListener("mouseleave",()=>{if(locked<0)show(-1)});
canvas.addEventListener("click",e=>lock(Math.floor(e.offsetY/canvas.clientHeight*steps.length)));
addEventListener("resize",draw);
matchMedia("(prefers-color-scheme:dark)").addEventListener("change",draw);
shown=-2;show(-1);
})();
)JS";

}  // namespace spanscope::trace

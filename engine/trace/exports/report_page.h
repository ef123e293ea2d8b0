// The report's style and script: kept apart so that report_html.cpp is about content. No network, no library.
// The page reads {nPrompt, masks, steps, segments} from the JSON block that report_html.cpp embeds. The colours of the
// mask are those of the window (ui/views/palette.cpp): a test compares them.
#pragma once

namespace spanscope::trace {

inline constexpr const char* kReportStyle = R"CSS(
:root{color-scheme:light dark;--ground:#fbfbf9;--panel:#fff;--ink:#1c2126;--soft:#616a73;--line:#dfe2e4;
--attended:#14548f;--attendedsoft:#d6e6f5;--own:#c2185b;--chip:#eceff1;--warn:#b42318;
--mask:#ffffff;--maskink:#1d232b;--masksoft:#66707c;--future:#ffffff;--notread:#f1f4f7;--notreadline:#d5dce5;
--loaded:#dfeaf6;--loadeddot:#5d87b5;--scaffold:#eef0f3;--in:#d3e5f5;--out:#d9dee5;
--prompt:#868f9c;--declare:#c07d00;--global:#c5481c;--focus:#1f6fb5;--local:#10937a;--close:#b5669f;--free:#6f7885}
@media(prefers-color-scheme:dark){:root{--ground:#14171a;--panel:#1c2024;--ink:#e6e9eb;--soft:#9aa4ad;--line:#343a40;
--attended:#7cc0ff;--attendedsoft:#1b3550;--own:#ff7eb0;--chip:#2b3137;--warn:#ff8a80;
--mask:#14171c;--maskink:#e6eaf0;--masksoft:#98a2b0;--future:#14171c;--notread:#1e232b;--notreadline:#353e4b;
--loaded:#20344a;--loadeddot:#5581ad;--scaffold:#232830;--in:#203a52;--out:#3a424e;
--prompt:#6f7a88;--declare:#f3bd55;--global:#f0805a;--focus:#6cb2f2;--local:#4fcfae;--close:#db9fcb;--free:#9aa4b2}}
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
.k-declare{background:var(--declare)}.k-global{background:var(--global)}.k-focus{background:var(--focus)}
.k-local{background:var(--local)}.k-close{background:var(--close)}.k-free{background:var(--free)}
.k-loaded{background:radial-gradient(var(--loadeddot) 1px,var(--loaded) 1.5px) 0 0/4px 4px}
.k-notread{background:repeating-linear-gradient(135deg,var(--notreadline) 0 1px,var(--notread) 1px 5px)}
.k-future{background:var(--future)}
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
  const s=steps[i],g=s[2]>=0?run.segments[s[2]][0]:"outside any segment";
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
// As in the window: numbers and segments above; numbers, segments and phases at the left.
const LEFT=96,TOP=42,nAll=nP+steps.length,kinds=["scaffold","in","out"];
let plotW=1,plotH=1;
function colour(name){return getComputedStyle(document.documentElement).getPropertyValue(name).trim()}
function pattern(ground,ink,size,paint){
 const tile=document.createElement("canvas");tile.width=tile.height=size;const q=tile.getContext("2d");
 q.fillStyle=colour(ground);q.fillRect(0,0,size,size);q.strokeStyle=q.fillStyle=colour(ink);paint(q);return c.createPattern(tile,"repeat");
}
function round(least){
 let step=1;
 for(;;){for(const f of [1,2,5])if(step*f>=least)return step*f;step*=10}
}
function loaded(i){
 const p=nP+i,out=[];
 for(const [b,e] of attended(i)){
  const from=b-b%16,to=Math.min(p+1,Math.ceil(e/16)*16);
  if(out.length&&from<=out[out.length-1][1])out[out.length-1][1]=Math.max(to,out[out.length-1][1]);else out.push([from,to]);
 }
 return out;
}
function draw(){
 const r=devicePixelRatio,w=canvas.clientWidth;
 if(w<LEFT+40||!steps.length)return;
 plotW=w-LEFT-8;plotH=Math.max(120,Math.min(720,steps.length*(steps.length<80?8:3)));
 const h=plotH+TOP+6;
 canvas.width=w*r|0;canvas.height=h*r|0;
 const x=plotW*r/nAll,y=plotH*r/steps.length,X=k=>LEFT*r+k*x,Y=i=>TOP*r+i*y;
 c.fillStyle=colour("--mask");c.fillRect(0,0,canvas.width,canvas.height);
 c.fillStyle=colour("--future");c.fillRect(X(0),Y(0),plotW*r,plotH*r);
 c.fillStyle=pattern("--notread","--notreadline",8,q=>{q.beginPath();q.moveTo(-1,9);q.lineTo(9,-1);q.moveTo(-1,1);q.lineTo(1,-1);q.moveTo(7,9);q.lineTo(9,7);q.stroke()});
 c.beginPath();c.moveTo(X(0),Y(0));c.lineTo(X(nP+1),Y(0));c.lineTo(X(nAll),Y(steps.length));c.lineTo(X(0),Y(steps.length));c.closePath();c.fill();
 const cells=(i,list)=>{for(const [b,e] of list){const l=Math.round(X(b)),t=Math.round(Y(i));
  c.fillRect(l,t,Math.max(1,Math.round(X(e))-l),Math.max(1,Math.round(Y(i+1))-t))}};
 c.fillStyle=pattern("--loaded","--loadeddot",4,q=>{q.fillRect(1,1,1,1);q.fillRect(3,3,1,1)});
 for(let i=0;i<steps.length;i++)cells(i,loaded(i));
 for(const p of ["declare","global","focus","local","close","free"]){
  c.fillStyle=colour("--"+p);
  for(let i=0;i<steps.length;i++)if(steps[i][1]===p)cells(i,attended(i));
 }
 c.font=11*r+"px system-ui,sans-serif";c.textBaseline="middle";c.lineWidth=r;
 const ink=colour("--maskink"),soft=colour("--masksoft"),label=(text,left,top,width,height)=>{
  if(c.measureText(text).width+4*r>width)text=text.split(" ").slice(1).join(" ");
  if(text&&height>=10*r&&c.measureText(text).width+4*r<=width){c.fillStyle=ink;c.textAlign="center";c.fillText(text,left+width/2,top+height/2)}
 };
 for(const [name,kind,begin,end] of run.segments){
  const to=end<0?nAll:end,l=X(begin),width=Math.max(1,X(to)-l-r);
  c.fillStyle=colour("--"+kinds[kind]);c.fillRect(l,(TOP-17)*r,width,14*r);label(name,l,(TOP-17)*r,width,14*r);
  if(to<=nP)continue;
  const t=Y(Math.max(0,begin-nP)),height=Math.max(1,Y(to-nP)-t-r);
  c.fillStyle=colour("--"+kinds[kind]);c.fillRect((LEFT-50)*r,t,39*r,height);label(name,(LEFT-50)*r,t,39*r,height);
 }
 for(let i=0;i<steps.length;i++){c.fillStyle=colour("--"+steps[i][1]);c.fillRect((LEFT-9)*r,Y(i),7*r,Math.max(1,Y(i+1)-Y(i)))}
 c.fillStyle=soft;c.strokeStyle=soft;c.textAlign="center";
 for(let k=0,by=round(60*r/x);k<nAll;k+=by){const at=X(k+.5);c.fillRect(at,(TOP-22)*r,r,4*r);c.fillText(k,at,(TOP-29)*r)}
 c.textAlign="right";
 for(let i=0,by=round(22*r/y);i<steps.length;i+=by){const at=Y(i+.5);c.fillRect((LEFT-55)*r,at,4*r,r);c.fillText(i,(LEFT-58)*r,at)}
 c.textAlign="left";c.fillText("step \u2193",4*r,8*r);c.fillText("position \u2192",4*r,22*r);
 c.strokeStyle=soft;c.strokeRect(X(0)-r/2,Y(0)-r/2,plotW*r+r,plotH*r+r);
 if(shown>=0){c.strokeStyle=colour("--own");c.lineWidth=2*r;c.strokeRect(X(0),Y(shown)-r,plotW*r,Math.max(r,y)+2*r)}
}
function rowAt(e){return Math.max(0,Math.min(steps.length-1,Math.floor((e.offsetY-TOP)/plotH*steps.length)))}
canvas.addEventListener("mousemove",e=>{if(locked<0)show(rowAt(e))});
canvas.addEventListener("mouseleave",()=>{if(locked<0)show(-1)});
canvas.addEventListener("click",e=>lock(rowAt(e)));
addEventListener("resize",draw);
matchMedia("(prefers-color-scheme:dark)").addEventListener("change",draw);
shown=-2;show(-1);
})();
)JS";

}  // namespace spanscope::trace

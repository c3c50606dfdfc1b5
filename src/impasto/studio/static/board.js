// The board: a picture to start from, and paint over what of it shall change. What is painted is kept as strokes, so
// that any of it can be undone; after each, the form's own file field gets the mask (white changes, black stays).

/** @typedef {{tool: "brush" | "eraser" | "lasso" | "all", width: number, points: [number, number][]}} Stroke */

const board = document.querySelector("#board");
if (board) open(board);

/** @param {HTMLElement} board */
function open(board) {
  const form = board.closest("form");
  const canvas = board.querySelector("canvas");
  const shown = canvas.getContext("2d");
  const size = board.querySelector("#brush");
  const initFile = form.querySelector("input[name=init]");
  const initId = form.querySelector("input[name=init_id]");
  const maskFile = form.querySelector("input[name=mask]");
  const paint = document.createElement("canvas");
  const layer = paint.getContext("2d");

  /** @type {ImageBitmap | null} */ let picture = null;
  /** @type {Stroke[]} */ let strokes = [];
  /** @type {Stroke[]} */ let undone = [];
  /** @type {Stroke | null} */ let stroke = null;
  /** @type {Stroke["tool"]} */ let tool = "brush";

  /** @param {Blob | null} blob */
  async function show(blob) {
    strokes = []; undone = []; stroke = null; maskFile.value = "";
    try {
      picture = blob && await createImageBitmap(blob);
    } catch {
      picture = null; // no picture: the server says so in words
    }
    board.hidden = !picture;
    if (!picture) return;
    for (const each of [canvas, paint]) [each.width, each.height] = [picture.width, picture.height];
    draw();
    board.scrollIntoView({ block: "nearest" });
  }

  /** @param {Stroke} stroke */
  function lay(stroke) {
    layer.globalCompositeOperation = stroke.tool === "eraser" ? "destination-out" : stroke.tool === "all" ? "xor" : "source-over";
    layer.fillStyle = layer.strokeStyle = "white";
    layer.lineWidth = stroke.width;
    layer.lineCap = layer.lineJoin = "round";
    if (stroke.tool === "all") return layer.fillRect(0, 0, paint.width, paint.height);
    layer.beginPath();
    for (const [x, y] of stroke.points) layer.lineTo(x, y);
    if (stroke.tool === "lasso") return layer.fill();
    if (stroke.points.length === 1) layer.lineTo(stroke.points[0][0], stroke.points[0][1] + 0.01);
    layer.stroke();
  }

  function draw() {
    layer.globalCompositeOperation = "source-over";
    layer.clearRect(0, 0, paint.width, paint.height);
    for (const each of stroke ? [...strokes, stroke] : strokes) lay(each);
    shown.clearRect(0, 0, canvas.width, canvas.height);
    shown.drawImage(picture, 0, 0);
    const tint = document.createElement("canvas");
    [tint.width, tint.height] = [paint.width, paint.height];
    const over = tint.getContext("2d");
    over.drawImage(paint, 0, 0);
    over.globalCompositeOperation = "source-in";
    over.fillStyle = getComputedStyle(board).getPropertyValue("--focus");
    over.fillRect(0, 0, tint.width, tint.height);
    shown.globalAlpha = 0.6;
    shown.drawImage(tint, 0, 0);
    shown.globalAlpha = 1;
    for (const [act, able] of [["undo", strokes.length], ["redo", undone.length], ["clear", strokes.length]]) {
      board.querySelector(`[data-act=${act}]`).disabled = !able;
    }
  }

  function keep() {
    draw();
    const mask = document.createElement("canvas");
    [mask.width, mask.height] = [paint.width, paint.height];
    const context = mask.getContext("2d");
    context.fillRect(0, 0, mask.width, mask.height);
    context.drawImage(paint, 0, 0);
    if (!strokes.length) return void (maskFile.value = "");
    mask.toBlob((blob) => {
      const files = new DataTransfer();
      files.items.add(new File([blob], "mask.png", { type: "image/png" }));
      maskFile.files = files.files;
    }, "image/png");
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.x) * canvas.width / box.width, (event.clientY - box.y) * canvas.height / box.height];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    const scale = canvas.width / canvas.getBoundingClientRect().width;
    const pen = event.pointerType === "pen" ? 0.5 + event.pressure : 1;
    stroke = { tool, width: Number(size.value) * scale * pen, points: [place(event)] };
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) stroke.points.push(place(each));
    draw();
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => {
    if (!stroke) return;
    add(stroke);
  });

  /** @param {Stroke} made */
  function add(made) {
    strokes.push(made); undone = []; stroke = null;
    keep();
  }

  const acts = {
    undo() { if (strokes.length) { undone.push(strokes.pop()); keep(); } },
    redo() { if (undone.length) { strokes.push(undone.pop()); keep(); } },
    clear() { strokes = []; undone = []; keep(); },
    all() { add({ tool: "all", width: 0, points: [] }); },
    away() { initFile.value = ""; initId.value = ""; show(null); },
  };
  board.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.act) acts[button.dataset.act]();
    if (!button?.dataset.tool) return;
    tool = button.dataset.tool;
    for (const each of board.querySelectorAll("[data-tool]")) each.setAttribute("aria-pressed", String(each === button));
  });
  board.addEventListener("keydown", (event) => {
    const undo = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey);
    if (undo) { event.preventDefault(); acts[event.shiftKey ? "redo" : "undo"](); }
    if (event.target !== canvas) return;
    const tools = { b: "brush", e: "eraser", l: "lasso" };
    if (tools[event.key]) board.querySelector(`[data-tool=${tools[event.key]}]`).click();
    if (event.key === "[" || event.key === "]") size.value = String(Number(size.value) + (event.key === "]" ? 4 : -4));
  });

  initFile.addEventListener("change", () => { initId.value = ""; show(initFile.files[0] ?? null); });
  if (initId.value) fetch(board.dataset.init).then((answer) => answer.ok ? answer.blob() : null).then(show);
}

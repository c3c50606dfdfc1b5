// What the page does by itself; everything else is htmx.

const words = document.querySelector("#words");
const composer = document.querySelector("#composer");

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-words]");
  if (!button) return;
  if (!words) return location.assign(`/?words=${encodeURIComponent(button.dataset.words)}`);
  words.value = button.dataset.words;
  words.focus();
  words.scrollIntoView({ block: "nearest" });
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && composer?.contains(event.target)) {
    event.preventDefault();
    composer.requestSubmit();
  }
});

document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt === composer) document.querySelector("#composer-error").textContent = "";
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id === "feed") document.querySelector("#nothing")?.remove();
});

document.body.addEventListener("htmx:sendError", () => {
  const error = document.querySelector("#composer-error");
  if (error) error.textContent = document.documentElement.lang === "zh" ? "连不上 Impasto。" : "Impasto does not answer.";
});

document.querySelector("#theme")?.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
});

document.querySelector("#language")?.addEventListener("change", (event) => {
  document.cookie = `language=${event.target.value}; path=/; max-age=31536000; samesite=lax`;
  location.reload();
});

for (const drop of document.querySelectorAll(".drop, #composer")) {
  drop.addEventListener("dragover", (event) => event.preventDefault());
  drop.addEventListener("drop", (event) => {
    const input = drop.querySelector("input[type=file]");
    if (!event.dataTransfer.files.length || !input) return;
    event.preventDefault();
    input.files = event.dataTransfer.files;
    input.closest("details")?.setAttribute("open", "");
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

composer?.addEventListener("paste", (event) => {
  const input = composer.querySelector("input[type=file]");
  if (!event.clipboardData.files.length) return;
  event.preventDefault();
  input.files = event.clipboardData.files;
  input.closest("details").open = true;
});

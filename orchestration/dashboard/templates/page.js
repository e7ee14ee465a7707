// Draws each chart when it comes into view, in the colours of the theme; shows the page that the address names.
const root = document.documentElement;
const remembered = { get: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
  set: (name) => { try { localStorage.setItem("theme", name); } catch { /* a file may not remember */ } } };
if (remembered.get()) root.dataset.theme = remembered.get();

function colours() {
  const style = getComputedStyle(root);
  const [text, line, card] = ["--text", "--line", "--card"].map((name) => style.getPropertyValue(name).trim());
  return { "font.color": text, "font.family": "system-ui, sans-serif", "xaxis.gridcolor": line, "yaxis.gridcolor": line,
    "xaxis.linecolor": line, "hoverlabel.bgcolor": card, "hoverlabel.font.color": text, "hoverlabel.bordercolor": line };
}

function draw(place) {
  if (place.dataset.drawn) return;
  place.dataset.drawn = "yes";
  const source = place.querySelector("script");
  const figure = JSON.parse(source.textContent);
  source.remove();
  Plotly.newPlot(place, figure.data, figure.layout, { responsive: true, displayModeBar: false })
    .then(() => Plotly.relayout(place, colours()));
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
}, { rootMargin: "200px" });
document.querySelectorAll(".chart").forEach((place) => seen.observe(place));

function recolour() {
  document.querySelectorAll(".chart[data-drawn]").forEach((place) => Plotly.relayout(place, colours()));
}
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remembered.set(root.dataset.theme);
  recolour();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
addEventListener("beforeprint", () => document.querySelectorAll(".chart").forEach(draw));

const pages = [...document.querySelectorAll("section.page")];
function showPage(hash, focus) {
  const wanted = document.getElementById(decodeURIComponent(hash.slice(1)));
  const page = (wanted && wanted.closest("section.page")) || pages[0];
  if (!page) return;
  for (const other of pages) other.hidden = other !== page;
  document.querySelectorAll("nav a").forEach((link) => {
    if (link.hash === `#${page.id}`) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  });
  if (focus) (wanted || page).focus({ preventScroll: wanted === page });
  if (wanted === page || !wanted) requestAnimationFrame(() => scrollTo(0, 0));
}
if (pages.length) {
  addEventListener("hashchange", () => showPage(location.hash, true));
  showPage(location.hash, false);
}

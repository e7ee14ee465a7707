/* On a narrow screen the menu covers the page: it closes once a page is chosen. */
if (!window.closesMenu) {
  window.closesMenu = true;
  document.addEventListener("click", (event) => {
    const isNarrow = window.matchMedia("(max-width: 768px)").matches;
    if (isNarrow && event.target.closest("[data-testid=stSidebarNavLink]"))
      document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
  });
}

/* Before anything is painted: the theme that was chosen. Without one, or without storage, the system's holds. */
try {
  const theme = localStorage.getItem("ishow.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch { /* a private window */ }

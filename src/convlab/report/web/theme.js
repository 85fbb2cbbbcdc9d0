// Before anything is painted: a dark page must not flash white.
{
  let choice = null;
  try {
    choice = localStorage.getItem("convlab-theme");
  } catch {
    // A page opened from a file may have no storage.
  }
  if (choice !== "light" && choice !== "dark") choice = "auto";
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  Object.assign(document.documentElement.dataset, {
    choice,
    theme: choice === "auto" ? system : choice,
    scripted: "", // shows what needs scripts
  });
}

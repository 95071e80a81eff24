// The assistants that `fanfare install` knows. The page names them, because the program is the one that has the list.
const { content } = document.querySelector('meta[name="assistants"]');

// `[{ name, title }]`, in the order of the program.
export const assistants = content
  .split(";")
  .filter(Boolean)
  .map((one) => {
    const [name, title] = one.split("=");
    return { name, title };
  });

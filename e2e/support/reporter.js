// One line a test, and a last line that says how it went.
export default async function* report(source) {
  let passed = 0;
  let failed = 0;
  for await (const { type, data } of source) {
    const isFile = data?.file && data.name && data.file.endsWith(data.name);
    if (data?.skip !== undefined) continue;
    if (type === "test:pass" && !isFile) {
      passed += 1;
      yield `ok      ${data.name} (${Math.round(data.details.duration_ms)} ms)\n`;
    } else if (type === "test:fail" && !isFile) {
      failed += 1;
      const { error } = data.details;
      yield `FAILED  ${data.name} (${Math.round(data.details.duration_ms)} ms)\n${indented(error.cause?.stack ?? error.cause ?? error)}\n`;
    } else if (type === "test:fail") {
      // A file that ended badly although each of its tests may have passed.
      failed += data.details.error.failureType === "subtestsFailed" ? 0 : 1;
    } else if (type === "test:stderr") {
      yield data.message;
    }
  }
  yield `${passed} passed, ${failed} failed\n`;
}

function indented(text) {
  return String(text).replaceAll(/^/gm, "        ");
}

// A part of a page, fetched as the document that the browser itself reads out of the answer. No text is made into elements
// by a script: the content security policy forbids it, by hand and by mistake.

const ANSWER_WITHIN_MS = 10000;
const UNAUTHORIZED = 401;

/**
 * A fragment as the server renders it. Where a login has ended the page is loaded anew: it leads to another, and back.
 * @param {string} path
 * @returns {Promise<HTMLElement>} what holds its parts
 */
export function fragmentOf(path) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", path);
    request.responseType = "document";
    request.timeout = ANSWER_WITHIN_MS;
    request.addEventListener("load", () => {
      if (request.status === UNAUTHORIZED) location.reload();
      const body = request.responseXML?.body;
      if (request.status === 200 && body) resolve(body);
      else reject(new Error(`status ${request.status}`));
    });
    for (const kind of ["error", "timeout", "abort"]) request.addEventListener(kind, () => reject(new Error(kind)));
    request.send();
  });
}

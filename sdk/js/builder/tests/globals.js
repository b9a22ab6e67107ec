/** Claims about the globals of a plugin; each that fails is named in `found`. */
const is = (what, got, wanted) => {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) found.push(`${what}: ${a}, not ${b}`);
};
const throws = (what, body) => {
  try {
    body();
    found.push(`${what} did not throw`);
  } catch {
    // As it should.
  }
};

const text = "aü€😀\u0000";
is("utf-8", [...new TextEncoder().encode(text)], [97, 195, 188, 226, 130, 172, 240, 159, 152, 128, 0]);
is("utf-8 back", new TextDecoder().decode(new TextEncoder().encode(text)), text);
const broken = Uint8Array.from([97, 0xc3, 98, 0xf0, 0x9f, 0x98, 99, 0xed, 0xa0, 0x80, 0xff]);
is("broken utf-8", new TextDecoder().decode(broken), "a\ufffdb\ufffdc\ufffd\ufffd\ufffd\ufffd");
throws("fatal", () => new TextDecoder("utf-8", { fatal: true }).decode(broken));
is("byte order mark", new TextDecoder().decode(Uint8Array.from([0xef, 0xbb, 0xbf, 97])), "a");
is("lone surrogate", [...new TextEncoder().encode("\ud800")], [239, 191, 189]);

const url = new URL("HTTPS://User:p%40@Example.com:443/a/./b/../c d?x=1 2&y='#f g");
is("href", url.href, "https://User:p%40@example.com/a/c%20d?x=1%202&y=%27#f%20g");
is("parts", [url.origin, url.host, url.port, url.pathname], ["https://example.com", "example.com", "", "/a/c%20d"]);
is(
  "params",
  [...url.searchParams],
  [
    ["x", "1 2"],
    ["y", "'"],
  ],
);
url.searchParams.append("z", "ü&");
is("changed", url.search, "?x=1+2&y=%27&z=%C3%BC%26");
is("relative", new URL("../x?q#h", "http://h:8080/a/b/c").href, "http://h:8080/a/x?q#h");
is("relative query", new URL("?q", "http://h/a/b").href, "http://h/a/b?q");
is("relative fragment", new URL("#h", "http://h/a?b").href, "http://h/a?b#h");
is("relative host", new URL("//other/x", "https://h/a").href, "https://other/x");
is("root", new URL("http://h").href, "http://h/");
is("backslashes", new URL("http:\\\\h\\a").href, "http://h/a");
is("opaque", new URL("mailto:a@b.c").href, "mailto:a@b.c");
for (const bad of ["", "/a", "http://", "http://a b/", "https://h:99999/", "http://ü.de/"]) {
  throws(`URL ${bad}`, () => new URL(bad));
}
const params = new URLSearchParams("?a=1&b=%zz&a=%C3%BC+x&c");
is("parsed", [params.getAll("a"), params.get("b"), params.get("c"), params.get("d")], [["1", "ü x"], "%zz", "", null]);
params.set("a", "2");
params.delete("b");
is("written", params.toString(), "a=2&c=");
is("from an object", new URLSearchParams({ "a b": "*-._~!'()" }).toString(), "a+b=*-._%7E%21%27%28%29");

const knot = { list: [1, new Date(5), new Map([["k", new Set([1])]])], bytes: Uint8Array.from([1, 2]) };
knot.self = knot;
const copy = structuredClone(knot);
is(
  "clone",
  [copy !== knot, copy.self === copy, copy.list[1].getTime(), copy.list[2].get("k").has(1)],
  [true, true, 5, true],
);
is("cloned bytes", [...copy.bytes], [1, 2]);
throws("clone of a function", () => structuredClone(() => 1));

is("base64", [btoa("a\xff"), atob("Yf8=")], ["Yf8=", "a\xff"]);
is(
  "dates",
  [new Date(0).toISOString(), Date.UTC(1970, 0, 2), Date.parse("1970-01-02")],
  ["1970-01-01T00:00:00.000Z", 86400000, 86400000],
);
is("local time is UTC", [new Date(3_600_000).getHours(), new Date(0).getTimezoneOffset()], [1, 0]);
is(
  "instanceof",
  [new Date(0) instanceof Date, new (class extends Date {})(0) instanceof Date, Date.name],
  [true, true, "Date"],
);
is(
  "typeof",
  [typeof process, typeof require, typeof setTimeout, typeof window, typeof fetch],
  Array(5).fill("undefined"),
);

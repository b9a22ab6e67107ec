//! What remains of TypeScript: the author's own text with blanks in it, line for line and column for column.

#![expect(clippy::unwrap_used, reason = "a test")]

use hookyard_js::without_types;

/// The text without types, its runs of blanks made one, for reading.
fn erased(text: &str) -> String {
    let out = without_types("a.ts", text).unwrap();
    let shape = |text: &str| text.lines().map(|line| line.chars().count()).collect::<Vec<_>>();
    assert_eq!(shape(&out), shape(text), "{out}");
    out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn types_leave_blanks_behind() {
    let cases = [
        ("let x: number = 1, y!: string;", "let x = 1, y ;"),
        ("function f<T>(this: Foo, a?: T, ...b: T[]): a is T { return a!; }", "function f ( a , ...b ) { return a ; }"),
        ("const f = <T,>(a: T = 1 as any): T => a satisfies T;", "const f = (a = 1 ) => a ;"),
        ("new Map<string, Array<number>>(); f<string>`x`; g<number>(1);", "new Map (); f `x`; g (1);"),
        ("try {} catch (e: unknown) {}", "try {} catch (e ) {}"),
        ("for (const x of y as string[]) {}", "for (const x of y ) {}"),
        ("export type A = { a: 1 }; export interface B {} declare const c: 1;", "; ; ;"),
        ("declare module 'x' { export const y: number }", ";"),
        ("export function f(a: 1): 1; export function f(a: any) {}", "; export function f(a ) {}"),
        ("const h = g<string>;", "const h = g ;"),
        ("const a = b?.c!.d!;", "const a = b?.c .d ;"),
        ("let ä: string = 'ü' as const;", "let ä = 'ü' ;"),
    ];
    for (typed, plain) in cases {
        assert_eq!(erased(typed), plain, "{typed}");
    }
}

#[test]
fn classes_keep_what_runs() {
    let class = "abstract class A<T> extends B<T> implements C, D {
  private static readonly x?: number = 1;
  declare y: string
  [key: string]: any;
  abstract z(): void;
  public ['w']: T
  constructor(a: string);
  constructor(a?: any) { super() }
  protected override async m?(): Promise<void> {}
  get public() { return this.x! }
}";
    let plain = "class A extends B {
; static x = 1;
;
;
;
; ['w'];
;
constructor(a ) { super() }
; async m () {}
get public() { return this.x; }
}";
    assert_eq!(erased(class), plain);
}

#[test]
fn lines_that_types_kept_apart_stay_apart() {
    assert_eq!(erased("const a = b as T\n(c)"), "const a = b;\n(c)");
    assert_eq!(erased("const f = (a): {\n  b: 1\n} => a as T\n(c)"), "const f = (a\n\n) => a;\n(c)");
    assert_eq!(erased("type A = 1\n(c)"), ";\n(c)");
    assert_eq!(erased("let a: T\n[1].map(f)"), "let a;\n[1].map(f)");
    assert_eq!(erased("const f = (a: 1): {\n  b: 1\n} => a"), "const f = (a\n\n) => a");
    assert_eq!(erased("const f = async <\n  T\n>(a: T) => a"), "const f = async (\n\na ) => a");
}

#[test]
fn imports_of_types_are_taken_out() {
    let imports = "import type { A } from './a';
import { B, c } from './b';
import D, { type E } from './d';
import { F } from './f';
import './g';
import * as H from './h';
export { type I, j } from './i';
export type { K } from './k';
export * from './l';
let x: B | F | H.I = c(D);";
    let kept = erased_lines(imports);
    let expected = [
        ";",
        "import { c } from './b';",
        "import D from './d';",
        ";",
        "import './g';",
        ";",
        "export { j } from './i';",
        ";",
        "export * from './l';",
        "let x = c(D);",
    ];
    assert_eq!(kept, expected);
}

fn erased_lines(text: &str) -> Vec<String> {
    let out = without_types("a.ts", text).unwrap();
    out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn what_is_more_than_a_type_is_refused_with_its_place() {
    let cases = [
        ("let a = 1;\nenum E { A }", "a.ts:2:1: an enum is more than a type; write a constant object"),
        ("class A { constructor(private a: 1) {} }", "a.ts:1:23: a parameter that becomes a property"),
        ("namespace N { export const a = 1 }", "a.ts:1:1: a namespace is more than a type"),
        ("let ä = <string>b;", "a.ts:1:9: write `value as Type`"),
        ("@d class A {}", "a.ts:1:1: decorators are not JavaScript yet"),
        ("await import('./a');", "a.ts:1:7: import() has nothing to load from"),
        ("let a = ;", "a.ts:1:9: "),
        ("let a = 1;\nlet a = 2;", "a.ts:1:5: "),
        ("export = 1;", "a.ts:1:1: write `export default`"),
    ];
    for (text, said) in cases {
        let error = without_types("a.ts", text).unwrap_err().to_string();
        assert!(error.starts_with(said), "{text}: {error}");
    }
    assert!(without_types("a.js", "let a: number = 1;").is_err(), "JavaScript has no types");
}

//! TypeScript without its types, every other character where it was.
//!
//! Types are blanked, not printed anew: what remains is the author's own text, so that lines and columns need no map.
//! That is possible for whatever is *only* a type. What also runs (an enum, a namespace, a parameter property, a
//! decorator) is refused with the plain JavaScript to write instead, as Node and `erasableSyntaxOnly` do.
//!
//! Blanking can join two lines that TypeScript kept apart, or part what must stay on one: where a statement ended in a
//! type and without a semicolon, one is put there, and a parenthesis moves where a type between it and its arrow broke
//! the line. It knows nothing of what an import points to: see `project`.

mod imports;
mod members;

use oxc::allocator::Allocator;
use oxc::ast::ast::{
    ArrowFunctionExpression, Class, Declaration, Decorator, ExportAllDeclaration, ExportDeclaration,
    ExportDefaultDeclaration, ExportDefaultDeclarationKind, ExportFromDeclaration, ExportNamedDeclaration,
    ExpressionStatement, FormalParameter, Function, FunctionType, ImportDeclaration, ImportExpression,
    MethodDefinition, PropertyDefinition, ReturnStatement, Statement, TSAsExpression, TSEnumDeclaration,
    TSExportAssignment, TSImportEqualsDeclaration, TSIndexSignature, TSInstantiationExpression, TSNamespaceDeclaration,
    TSNonNullExpression, TSSatisfiesExpression, TSThisParameter, TSTypeAnnotation, TSTypeAssertion,
    TSTypeParameterDeclaration, TSTypeParameterInstantiation, ThrowStatement, VariableDeclaration, VariableDeclarator,
};
use oxc::ast_visit::{Visit, walk};
use oxc::diagnostics::OxcDiagnostic;
use oxc::parser::Parser;
use oxc::semantic::{Scoping, SemanticBuilder};
use oxc::span::{GetSpan, SourceType, Span};
use oxc::syntax::scope::ScopeFlags;

use crate::source::{BuildError, Edit, Place, With};

/// A module as its text says it.
#[derive(Debug)]
pub(crate) struct Module {
    /// What takes its types out.
    pub(crate) edits: Vec<Edit>,
    /// What it imports when it runs, in order.
    pub(crate) imports: Vec<Import>,
    /// Whether it imports or exports at all: a file that does not is no ES module.
    pub(crate) is_module: bool,
}

/// One `from "…"`.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) specifier: String,
    /// What it wants of the other module, by the other's names.
    pub(crate) names: Vec<String>,
    /// Of the quoted text, quotes included.
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Reads a module; TypeScript where the file's name ends so.
pub(crate) fn read(file: &str, text: &str) -> Result<Module, BuildError> {
    let typed = file.ends_with(".ts") || file.ends_with(".mts");
    let source_type = if typed { SourceType::ts() } else { SourceType::mjs() };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, source_type).parse();
    if let Some(first) = parsed.diagnostics.first() {
        return Err(refusal(file, text, first));
    }
    let checked = SemanticBuilder::new().with_check_syntax_error(true).build(&parsed.program);
    if let Some(first) = checked.diagnostics.first() {
        return Err(refusal(file, text, first));
    }
    let scoping = checked.semantic.into_scoping();
    let comments = parsed.program.comments.iter().map(|comment| (comment.span.start, comment.span.end)).collect();
    let mut eraser = Eraser { text, typed, scoping, comments, edits: Vec::new(), imports: Vec::new(), refused: None };
    eraser.visit_program(&parsed.program);
    if let Some((span, message)) = eraser.refused {
        return Err(BuildError::Source { place: Place::at(file, text, span.start), message: message.to_owned() });
    }
    let is_module = parsed.module_record.has_module_syntax;
    Ok(Module { edits: eraser.edits, imports: eraser.imports, is_module })
}

fn refusal(file: &str, text: &str, diagnostic: &OxcDiagnostic) -> BuildError {
    let offset = diagnostic.labels.iter().next().map_or(0, |label| label.offset());
    let place = Place::at(file, text, offset);
    let help = diagnostic.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    BuildError::Source { place, message: format!("{}{help}", diagnostic.message) }
}

struct Eraser<'s> {
    text: &'s str,
    typed: bool,
    scoping: Scoping,
    /// Spans, in order.
    comments: Vec<(u32, u32)>,
    edits: Vec<Edit>,
    imports: Vec<Import>,
    /// The first thing that is more than a type.
    refused: Option<(Span, &'static str)>,
}

impl Eraser<'_> {
    fn blank(&mut self, start: u32, end: u32) {
        self.edit(start, end, With::Blanks);
    }

    /// Blanks a whole statement or member: a semicolon stays, so that its neighbours stay apart.
    fn remove(&mut self, span: Span) {
        self.edit(span.start, span.end, With::Led(';'));
    }

    fn edit(&mut self, start: u32, end: u32, with: With) {
        if start < end {
            self.edits.push(Edit { start, end, with });
        }
    }

    fn refuse(&mut self, span: Span, message: &'static str) {
        if self.refused.is_none_or(|(first, _)| span.start < first.start) {
            self.refused = Some((span, message));
        }
    }

    /// Where a statement without a semicolon ended in what is now blank, the blank gets one. The edit in question is
    /// among the last, for it was the statement's own; an arrow mended within adds two behind it.
    fn end_statement(&mut self, span: Span) {
        let mut last = self.edits.iter_mut().rev().take(4);
        if let Some(edit) = last.find(|edit| edit.end == span.end && edit.with == With::Blanks) {
            edit.with = With::Led(';');
        }
    }

    fn slice(&self, start: u32, end: u32) -> &str {
        let (start, end) = (usize::try_from(start).unwrap_or(usize::MAX), usize::try_from(end).unwrap_or(usize::MAX));
        self.text.get(start..end).unwrap_or_default()
    }

    fn end(&self) -> u32 {
        u32::try_from(self.text.len()).unwrap_or(u32::MAX)
    }

    fn breaks_line(&self, start: u32, end: u32) -> bool {
        self.slice(start, end).contains('\n')
    }

    /// The first such character between the two that is in no comment.
    fn find(&self, start: u32, end: u32, wanted: char) -> Option<u32> {
        let mut from = start;
        while from < end {
            let found = from + u32::try_from(self.slice(from, end).find(wanted)?).ok()?;
            match self.comments.iter().find(|(open, close)| (*open..*close).contains(&found)) {
                Some((_, close)) => from = *close,
                None => return Some(found),
            }
        }
        None
    }

    fn blank_char(&mut self, start: u32, end: u32, wanted: char) {
        if let Some(at) = self.find(start, end, wanted) {
            self.blank(at, at + 1);
        }
    }

    /// Blanks from `start` to `end` and the comma that follows, if one does.
    fn blank_item(&mut self, span: Span, list_end: u32) {
        let rest = self.slice(span.end, list_end);
        let gap = rest.find(|next: char| !next.is_whitespace()).unwrap_or(0);
        let comma = rest.get(gap..).is_some_and(|rest| rest.starts_with(','));
        let end = if comma { span.end + u32::try_from(gap).unwrap_or(0) + 1 } else { span.end };
        self.blank(span.start, end);
    }

    /// Whether the declaration leaves nothing to run; refuses what is no mere type.
    fn is_only_type(&mut self, declaration: &Declaration<'_>) -> bool {
        match declaration {
            Declaration::TSTypeAliasDeclaration(_) | Declaration::TSInterfaceDeclaration(_) => true,
            Declaration::TSExternalModuleDeclaration(_) | Declaration::TSGlobalDeclaration(_) => true,
            Declaration::TSEnumDeclaration(it) => it.declare,
            Declaration::TSNamespaceDeclaration(it) => it.declare,
            Declaration::VariableDeclaration(it) => it.declare,
            Declaration::ClassDeclaration(it) => it.declare,
            Declaration::FunctionDeclaration(it) => it.declare || it.r#type == FunctionType::TSDeclareFunction,
            Declaration::TSImportEqualsDeclaration(_) => false,
        }
    }
}

impl<'a> Visit<'a> for Eraser<'_> {
    fn visit_statement(&mut self, it: &Statement<'a>) {
        if let Some(declaration) = it.as_declaration()
            && self.is_only_type(declaration)
        {
            return self.remove(it.span());
        }
        walk::walk_statement(self, it);
    }

    fn visit_export_declaration(&mut self, it: &ExportDeclaration<'a>) {
        if self.is_only_type(&it.declaration) {
            return self.remove(it.span);
        }
        walk::walk_export_declaration(self, it);
    }

    fn visit_export_default_declaration(&mut self, it: &ExportDefaultDeclaration<'a>) {
        let only_type = match &it.declaration {
            ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => true,
            ExportDefaultDeclarationKind::FunctionDeclaration(it) => it.body.is_none(),
            _ => false,
        };
        if only_type {
            return self.remove(it.span);
        }
        walk::walk_export_default_declaration(self, it);
        self.end_statement(it.span);
    }

    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        self.import(it);
    }

    fn visit_export_named_declaration(&mut self, it: &ExportNamedDeclaration<'a>) {
        self.export_named(it.span, it.export_kind, &it.specifiers);
    }

    fn visit_export_from_declaration(&mut self, it: &ExportFromDeclaration<'a>) {
        self.export_from(it);
    }

    fn visit_export_all_declaration(&mut self, it: &ExportAllDeclaration<'a>) {
        self.export_all(it);
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        self.refuse(it.span, "import() has nothing to load from when the plugin runs; write an import at the top");
    }

    // What ends a statement.

    fn visit_expression_statement(&mut self, it: &ExpressionStatement<'a>) {
        walk::walk_expression_statement(self, it);
        self.end_statement(it.span);
    }

    fn visit_return_statement(&mut self, it: &ReturnStatement<'a>) {
        walk::walk_return_statement(self, it);
        self.end_statement(it.span);
    }

    fn visit_throw_statement(&mut self, it: &ThrowStatement<'a>) {
        walk::walk_throw_statement(self, it);
        self.end_statement(it.span);
    }

    fn visit_variable_declaration(&mut self, it: &VariableDeclaration<'a>) {
        walk::walk_variable_declaration(self, it);
        // In the head of a `for` the blank is followed by `of`, `in` or a semicolon of its own.
        let rest = self.slice(it.span.end, self.end());
        let rest = rest.trim_start();
        if !rest.starts_with("of") && !rest.starts_with("in") && !rest.starts_with(';') {
            self.end_statement(it.span);
        }
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if it.definite {
            let end = it.type_annotation.as_ref().map_or(it.span.end, |annotation| annotation.span.start);
            self.blank_char(it.id.span().end, end, '!');
        }
        walk::walk_variable_declarator(self, it);
    }

    // Types by themselves.

    fn visit_ts_type_annotation(&mut self, it: &TSTypeAnnotation<'a>) {
        self.blank(it.span.start, it.span.end);
    }

    fn visit_ts_type_parameter_declaration(&mut self, it: &TSTypeParameterDeclaration<'a>) {
        self.blank(it.span.start, it.span.end);
    }

    fn visit_ts_type_parameter_instantiation(&mut self, it: &TSTypeParameterInstantiation<'a>) {
        self.blank(it.span.start, it.span.end);
    }

    fn visit_ts_this_parameter(&mut self, it: &TSThisParameter<'a>) {
        self.blank_item(it.span, self.end());
    }

    // Expressions with a type at them.

    fn visit_ts_as_expression(&mut self, it: &TSAsExpression<'a>) {
        self.visit_expression(&it.expression);
        self.blank(it.expression.span().end, it.span.end);
    }

    fn visit_ts_satisfies_expression(&mut self, it: &TSSatisfiesExpression<'a>) {
        self.visit_expression(&it.expression);
        self.blank(it.expression.span().end, it.span.end);
    }

    fn visit_ts_non_null_expression(&mut self, it: &TSNonNullExpression<'a>) {
        self.visit_expression(&it.expression);
        self.blank(it.expression.span().end, it.span.end);
    }

    fn visit_ts_instantiation_expression(&mut self, it: &TSInstantiationExpression<'a>) {
        self.visit_expression(&it.expression);
        self.blank(it.type_arguments.span.start, it.type_arguments.span.end);
    }

    fn visit_ts_type_assertion(&mut self, it: &TSTypeAssertion<'a>) {
        self.refuse(it.span, "write `value as Type` instead of `<Type>value`");
    }

    // Functions and classes.

    fn visit_function(&mut self, it: &Function<'a>, flags: ScopeFlags) {
        walk::walk_function(self, it, flags);
    }

    fn visit_arrow_function_expression(&mut self, it: &ArrowFunctionExpression<'a>) {
        walk::walk_arrow_function_expression(self, it);
        self.mend_arrow(it);
    }

    fn visit_formal_parameter(&mut self, it: &FormalParameter<'a>) {
        self.parameter(it);
        walk::walk_formal_parameter(self, it);
    }

    fn visit_class(&mut self, it: &Class<'a>) {
        self.class_head(it);
        walk::walk_class(self, it);
    }

    fn visit_method_definition(&mut self, it: &MethodDefinition<'a>) {
        if self.method(it) {
            walk::walk_method_definition(self, it);
        }
    }

    fn visit_property_definition(&mut self, it: &PropertyDefinition<'a>) {
        if self.property(it) {
            walk::walk_property_definition(self, it);
            self.end_statement(it.span);
        }
    }

    fn visit_ts_index_signature(&mut self, it: &TSIndexSignature<'a>) {
        self.remove(it.span);
    }

    // What is more than a type.

    fn visit_ts_enum_declaration(&mut self, it: &TSEnumDeclaration<'a>) {
        self.refuse(it.span, "an enum is more than a type; write a constant object, or a union of strings");
    }

    fn visit_ts_namespace_declaration(&mut self, it: &TSNamespaceDeclaration<'a>) {
        self.refuse(it.span, "a namespace is more than a type; write a module of its own");
    }

    fn visit_ts_import_equals_declaration(&mut self, it: &TSImportEqualsDeclaration<'a>) {
        self.refuse(it.span, "write `import … from \"…\"` instead of `import … =`");
    }

    fn visit_ts_export_assignment(&mut self, it: &TSExportAssignment<'a>) {
        self.refuse(it.span, "write `export default` instead of `export =`");
    }

    fn visit_decorator(&mut self, it: &Decorator<'a>) {
        self.refuse(it.span, "decorators are not JavaScript yet; call a function instead");
    }
}

//! Imports and exports: which of them run, and which are only types.
//!
//! As TypeScript does, an imported name that no code uses as a value is taken out, with or without the word `type`; an
//! import of which nothing is left is taken out whole.

use oxc::ast::ast::{
    ExportAllDeclaration, ExportFromDeclaration, ExportSpecifier, ImportDeclaration, ImportDeclarationSpecifier,
    ImportOrExportKind, StringLiteral, WithClause,
};
use oxc::span::{GetSpan, Span};

use super::{Eraser, Import};
use crate::source::With;

impl Eraser<'_> {
    pub(super) fn import(&mut self, it: &ImportDeclaration<'_>) {
        if it.import_kind == ImportOrExportKind::Type {
            return self.remove(it.span);
        }
        if let Some(specifiers) = &it.specifiers
            && self.typed
        {
            let kept: Vec<_> = specifiers.iter().filter(|specifier| self.is_value(specifier)).collect();
            if kept.is_empty() && !specifiers.is_empty() {
                return self.remove(it.span);
            }
            if kept.len() < specifiers.len() {
                self.keep(it, &kept);
            }
        }
        let specifiers = it.specifiers.iter().flatten().filter(|specifier| !self.typed || self.is_value(specifier));
        let names = specifiers.filter_map(|specifier| match specifier {
            ImportDeclarationSpecifier::ImportSpecifier(named) => Some(named.imported.name().to_string()),
            ImportDeclarationSpecifier::ImportDefaultSpecifier(_) => Some("default".to_owned()),
            ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => None,
        });
        self.imported(names.collect(), &it.source, it.with_clause.as_deref());
    }

    fn is_value(&self, specifier: &ImportDeclarationSpecifier<'_>) -> bool {
        if let ImportDeclarationSpecifier::ImportSpecifier(named) = specifier
            && named.import_kind == ImportOrExportKind::Type
        {
            return false;
        }
        let symbol = specifier.local().symbol_id.get();
        symbol.is_none_or(|symbol| self.scoping.get_resolved_references(symbol).any(|reference| reference.is_value()))
    }

    /// Writes what stands between `import` and `from` anew, on as many lines.
    fn keep(&mut self, it: &ImportDeclaration<'_>, kept: &[&ImportDeclarationSpecifier<'_>]) {
        let mut clause = Vec::new();
        let mut named = Vec::new();
        for specifier in kept {
            let text = self.slice(specifier.span().start, specifier.span().end).to_owned();
            match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(_) => named.push(text),
                ImportDeclarationSpecifier::ImportDefaultSpecifier(_)
                | ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => clause.push(text),
            }
        }
        if !named.is_empty() {
            clause.push(format!("{{ {} }}", named.join(", ")));
        }
        let start = it.span.start + 6;
        let lines = self.slice(start, it.source.span.start).matches('\n').count();
        let text = format!(" {} from {}", clause.join(", "), "\n".repeat(lines));
        self.edit(start, it.source.span.start, With::Text(text));
    }

    pub(super) fn export_named(&mut self, span: Span, kind: ImportOrExportKind, specifiers: &[ExportSpecifier<'_>]) {
        if kind == ImportOrExportKind::Type {
            return self.remove(span);
        }
        for specifier in specifiers.iter().filter(|specifier| specifier.export_kind == ImportOrExportKind::Type) {
            self.blank_item(specifier.span, span.end);
        }
    }

    pub(super) fn export_from(&mut self, it: &ExportFromDeclaration<'_>) {
        self.export_named(it.span, it.export_kind, &it.specifiers);
        let types = |specifier: &ExportSpecifier<'_>| specifier.export_kind == ImportOrExportKind::Type;
        if it.export_kind == ImportOrExportKind::Type {
            return;
        }
        if !it.specifiers.is_empty() && it.specifiers.iter().all(types) {
            return self.remove(it.span);
        }
        let names = it.specifiers.iter().filter(|specifier| !types(specifier));
        let names = names.map(|specifier| specifier.local.name().to_string()).collect();
        self.imported(names, &it.source, it.with_clause.as_deref());
    }

    pub(super) fn export_all(&mut self, it: &ExportAllDeclaration<'_>) {
        if it.export_kind == ImportOrExportKind::Type {
            return self.remove(it.span);
        }
        self.imported(Vec::new(), &it.source, it.with_clause.as_deref());
    }

    /// A JSON module is one by its name, so `with { type: "json" }` may go.
    fn imported(&mut self, names: Vec<String>, source: &StringLiteral<'_>, with: Option<&WithClause<'_>>) {
        let (start, end) = (source.span.start, source.span.end);
        self.imports.push(Import { specifier: source.value.to_string(), names, start, end });
        if let Some(with) = with {
            self.blank(end, with.span.end);
        }
    }
}

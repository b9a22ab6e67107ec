//! Functions and classes: modifiers, overloads, optional marks, and arrows that a blank would break.

use oxc::ast::ast::{
    ArrowFunctionExpression, Class, FormalParameter, MethodDefinition, MethodDefinitionType, PropertyDefinition,
    PropertyDefinitionType,
};
use oxc::span::GetSpan;

use super::Eraser;
use crate::source::With;

/// Words before a member's name that only TypeScript reads.
const MODIFIERS: [&str; 7] = ["abstract", "declare", "override", "private", "protected", "public", "readonly"];

impl Eraser<'_> {
    /// No line may break between a parameter list and its arrow, nor between `async` and the list: where the type in
    /// between did, the parenthesis moves to the other side of the gap.
    pub(super) fn mend_arrow(&mut self, it: &ArrowFunctionExpression<'_>) {
        let params = it.params.span;
        if let Some(generics) = &it.type_parameters
            && self.breaks_line(generics.span.start, params.start)
        {
            self.edits.retain(|edit| (edit.start, edit.end) != (generics.span.start, generics.span.end));
            self.edit(generics.span.start, generics.span.end, With::Led('('));
            self.blank(params.start, params.start + 1);
        }
        if let Some(returned) = &it.return_type
            && self.breaks_line(params.end, returned.span.end)
        {
            self.edits.retain(|edit| (edit.start, edit.end) != (returned.span.start, returned.span.end));
            self.blank(params.end - 1, params.end);
            self.edit(returned.span.start, returned.span.end, With::Ended(')'));
        }
    }

    pub(super) fn parameter(&mut self, it: &FormalParameter<'_>) {
        if it.accessibility.is_some() || it.readonly || it.r#override {
            let why = "a parameter that becomes a property is more than a type; assign it in the constructor's body";
            self.refuse(it.span, why);
        }
        if it.optional {
            let end = it.type_annotation.as_ref().map_or(it.span.end, |annotation| annotation.span.start);
            let end = if end == it.span.end { end + 1 } else { end };
            self.blank_char(it.pattern.span().end, end, '?');
        }
    }

    pub(super) fn class_head(&mut self, it: &Class<'_>) {
        if it.r#abstract {
            self.modifiers(it.span.start, it.body.span.start, &With::Blanks);
        }
        if it.implements.is_empty() {
            return;
        }
        let mut after = it.id.as_ref().map_or(it.span.start + 5, |id| id.span.end);
        if let Some(generics) = &it.type_parameters {
            after = after.max(generics.span.end);
        }
        if let Some(heritage) = &it.heritage {
            after = after.max(heritage.expression.span().end);
            after = heritage.type_arguments.as_ref().map_or(after, |arguments| after.max(arguments.span.end));
        }
        let first = it.implements.first().map_or(after, |first| first.span.start);
        if let Some(word) = self.slice(after, first).rfind("implements") {
            let start = after + u32::try_from(word).unwrap_or(0);
            self.blank(start, it.body.span.start);
        }
    }

    /// Whether there is a method left to look into.
    pub(super) fn method(&mut self, it: &MethodDefinition<'_>) -> bool {
        if it.r#type == MethodDefinitionType::TSAbstractMethodDefinition || it.value.body.is_none() {
            self.remove(it.span);
            return false;
        }
        self.modifiers(it.span.start, it.key.span().start, &With::Led(';'));
        if it.optional {
            self.blank_char(it.key.span().end, it.value.params.span.start, '?');
        }
        true
    }

    /// Whether there is a property left to look into.
    pub(super) fn property(&mut self, it: &PropertyDefinition<'_>) -> bool {
        if it.declare || it.r#type == PropertyDefinitionType::TSAbstractPropertyDefinition {
            self.remove(it.span);
            return false;
        }
        self.modifiers(it.span.start, it.key.span().start, &With::Led(';'));
        if it.optional || it.definite {
            let annotation = it.type_annotation.as_ref().map(|annotation| annotation.span.start);
            let end = annotation.or(it.value.as_ref().map(|value| value.span().start)).unwrap_or(it.span.end);
            self.blank_char(it.key.span().end, end, if it.optional { '?' } else { '!' });
        }
        true
    }

    /// Blanks the modifiers that stand before a name; a bracket begins a computed one. `lead` stands in for the first.
    fn modifiers(&mut self, start: u32, name: u32, lead: &With) {
        let head = self.slice(start, name).split('[').next().unwrap_or_default().to_owned();
        let is_word = |next: char| next.is_ascii_alphanumeric() || next == '_';
        let mut at = start;
        for piece in head.split_inclusive(|next| !is_word(next)) {
            let word = piece.trim_end_matches(|next| !is_word(next));
            if MODIFIERS.contains(&word) {
                let end = at + u32::try_from(word.len()).unwrap_or(0);
                self.edit(at, end, if at == start { lead.clone() } else { With::Blanks });
            }
            at += u32::try_from(piece.len()).unwrap_or(0);
        }
    }
}

//! A JSON object that leaves out what is not known and shows what hides.

use serde_json::{Map, Value};

use crate::visible::{cut, visible};

/// An object in the making. Every text passes through [`visible`] here, so none can be forgotten.
#[derive(Clone, Default)]
pub(crate) struct Object(Map<String, Value>);

impl Object {
    /// A text; nothing where there is none.
    pub(crate) fn text(mut self, key: &str, text: &str) -> Self {
        if !text.trim().is_empty() {
            self.0.insert(key.to_owned(), Value::from(visible(text)));
        }
        self
    }

    /// A text of at most `length` characters.
    pub(crate) fn short(self, key: &str, text: &str, length: usize) -> Self {
        self.text(key, &cut(&visible(text), length))
    }

    /// Anything else.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// A value where there is one.
    pub(crate) fn maybe(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Objects, where there are any.
    pub(crate) fn list(self, key: &str, objects: Vec<Self>) -> Self {
        match objects.is_empty() {
            true => self,
            false => self.with(
                key,
                objects.into_iter().map(Value::from).collect::<Vec<_>>(),
            ),
        }
    }

    /// An object within, unless nothing is in it.
    pub(crate) fn within(self, key: &str, object: Self) -> Self {
        match object.0.is_empty() {
            true => self,
            false => self.with(key, object),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}

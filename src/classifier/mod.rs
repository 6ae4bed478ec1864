//! The naive Bayes classifier as it serves: hashed features of a text to evidence in nats.

use crate::comment::Comment;
use crate::text::Text;
use crate::verdict::{Nats, Token};

/// What the classifier says of one comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// Evidence of the text itself, calibrated and shrunk by coverage; the prior is apart.
    pub weight: Nats,
    /// Share of the comment's features that training has seen, 0 to 1.
    pub coverage: f64,
    /// The most telling tokens, heaviest first.
    pub tokens: Vec<Token>,
}

/// A model that serves.
#[derive(Debug)]
pub struct Classifier {
    id: String,
}

impl Classifier {
    /// The model compiled into the program.
    pub fn shipped() -> Classifier {
        Classifier { id: "shipped".to_owned() }
    }

    /// Names the model in each verdict.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Log-odds of spam before anything is known of the comment: calibration's intercept.
    pub fn prior(&self) -> Nats {
        Nats::ZERO
    }

    pub fn opinion(&self, _comment: &Comment, _text: &Text) -> Opinion {
        Opinion { weight: Nats::ZERO, coverage: 0.0, tokens: Vec::new() }
    }
}

use super::ModelError;
use crate::progress::Progress;

/// A model that turns texts into vectors, whose directions are alike where the texts are about alike things.
pub trait Embedder {
    /// Returns a text that differs wherever the vectors of one text may: by the weights and by how they are used.
    fn identity(&self) -> &str;

    /// Returns the vector of every text: of length 1, and all with the same number of dimensions.
    ///
    /// Texts that are too long are cut.
    ///
    /// # Errors
    /// [`ModelError::Cancelled`] when `progress` says so, and what the engine reports.
    fn embed(&mut self, role: TextRole, texts: &[&str], progress: &dyn Progress) -> Result<Vec<Vec<f32>>, ModelError>;
}

/// What a text is in a search; some models want to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextRole {
    /// What is looked for.
    Query,
    /// What may be found.
    Document,
}

/// Returns the cosine of the angle between two vectors of length 1.
pub fn cosine(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

/// Brings a vector to length 1; one without a direction, or with numbers that are none, is an error.
pub(super) fn unit_vector(mut vector: Vec<f32>) -> Result<Vec<f32>, ModelError> {
    let length = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    if !length.is_finite() || length == 0.0 {
        return Err(ModelError::Embedding("a vector has no direction".to_owned()));
    }
    vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_to_length_1_or_are_refused() {
        let unit = unit_vector(vec![3.0, -4.0]).unwrap();
        assert_eq!(unit, [0.6, -0.8]);
        assert!((cosine(&unit, &unit) - 1.0).abs() < 1e-6);
        assert!((unit_vector(vec![f32::MAX; 9]).unwrap()[0] - 1.0 / 3.0).abs() < 1e-6);
        for vector in [vec![], vec![0.0, 0.0], vec![1.0, f32::NAN], vec![f32::INFINITY, 1.0]] {
            assert!(unit_vector(vector).is_err());
        }
    }
}

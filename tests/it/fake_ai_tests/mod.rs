//! The stand-ins for the AI providers themselves.

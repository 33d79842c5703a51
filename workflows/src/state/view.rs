//! What people and API clients see of a state. Pure reading.

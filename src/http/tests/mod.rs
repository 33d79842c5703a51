//! The routes as a whole, over a real engine and a real database in a temporary folder.

mod calendar;
mod house;
mod people;
mod socket;
mod talk;
mod who;

//! kill -9, a full disk, clocks that jump: nothing that was answered is lost.

import { closeThreads } from './threads.ts';

// A module of its own: imports run in order, and libraries read the class when they are loaded.
closeThreads();

import { testGuide } from '../kit/guide.ts';

testGuide('import.md', 4);

import { testGuide } from '../kit/guide.ts';

testGuide('guide.md', 13);

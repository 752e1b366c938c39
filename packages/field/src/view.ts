import type { FieldLook } from '@ownkey/contract/field';
import type { CheckedForm } from './form-check.ts';
import { takeLook } from './look.ts';
import { fill, texts } from './texts.ts';

/** The elements of the page, and what is shown in them. Texts are text nodes; styles are set through the object model alone. */
export interface View {
  readonly main: HTMLElement;
  readonly input: HTMLInputElement;
  readonly show: HTMLButtonElement;
  setLabel(text: string): void;
  /** Names of tokens that were not taken. */
  setLook(look: FieldLook): readonly string[];
  setForm(form: CheckedForm): void;
  setPlace(sentence: string): void;
  setVault(fingerprint: string): void;
  setShown(shown: boolean): void;
  setOpen(open: boolean): void;
  setWrong(wrong: boolean): void;
}

/** Finds the elements of index.html. @throws Error when one is missing */
export function openView(page: Document): View {
  const input = find(page, '#key', HTMLInputElement);
  const show = find(page, '#show', HTMLButtonElement);
  const [label, form, place, vault] = ['#label', '#form', '#place', '#vault'].map((id) => find(page, id, HTMLElement));
  const say = (element: HTMLElement | undefined, text: string) => {
    if (element !== undefined && element.textContent !== text) element.textContent = text;
  };
  let set: readonly string[] = [];
  return {
    main: find(page, 'main', HTMLElement),
    input,
    show,
    setLabel: (text) => say(label, text),
    setLook: (look) => {
      const root = page.documentElement;
      const { tokens, refused } = takeLook(look);
      root.dataset.scheme = look.scheme;
      for (const name of set) root.style.removeProperty(name);
      for (const [name, value] of tokens) root.style.setProperty(name, value);
      set = [...tokens.keys()];
      return refused;
    },
    setForm: ({ sentence, tone }) => {
      say(form, sentence);
      if (form !== undefined) form.dataset.tone = tone;
    },
    setPlace: (sentence) => say(place, sentence),
    setVault: (fingerprint) => say(vault, fill(texts.vault, { fingerprint })),
    setShown: (shown) => {
      input.classList.toggle('dots', !shown);
      show.setAttribute('aria-pressed', String(shown));
    },
    setOpen: (open) => {
      input.readOnly = !open;
    },
    setWrong: (wrong) => {
      if (wrong) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
    },
  };
}

function find<T extends HTMLElement>(page: Document, selector: string, kind: abstract new () => T): T {
  const found = page.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page lacks ${selector}`);
  return found;
}

import type {
  FieldHello,
  FieldPlace,
  FieldProblem,
  FieldProvider,
  FieldSight,
  FromField,
  ToField,
} from '@ownkey/contract/field';
import { type CheckedForm, checkForm, EMPTY, wrong } from './form-check.ts';
import { sealHeld } from './held-key.ts';
import { isPlatform, isSamePlace, placeText } from './place-text.ts';
import { texts } from './texts.ts';
import type { View } from './view.ts';
import { readCompanyName } from './worker-facts.ts';

/** Pasted keys do not lie around: emptied after this long without typing. */
const CLEAR_AFTER_MS = 5 * 60_000;
/** Longer pastes are refused before they are read. */
const PASTE_MAX = 8_192;
/** What hides the field for no longer than this (a dialog that fades in) is not spoken of. */
const COVER_PATIENCE_MS = 600;

/**
 * The field's state. The key's text lives in the input alone and leaves it sealed or not at all. Nothing can be put in while the
 * field is not wholly in sight, is disabled, or it is not known what it would be sealed for.
 */
export class SecureField {
  readonly #view: View;
  readonly #tell: (message: FromField) => void;
  readonly #providers: readonly FieldProvider[];
  readonly #fingerprint: string;
  #place: FieldPlace | null = null;
  #placeKnown = false;
  #sight: FieldSight | null = null;
  #disabled = false;
  #anyForm = false;
  #sealing = false;
  #form: CheckedForm = EMPTY;
  #clearTimer: ReturnType<typeof setTimeout> | undefined;
  #coverTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    view: View,
    tell: (message: FromField) => void,
    known: { readonly providers: readonly FieldProvider[]; readonly fingerprint: string },
  ) {
    this.#view = view;
    this.#tell = tell;
    this.#providers = known.providers;
    this.#fingerprint = known.fingerprint;
    view.setVault(known.fingerprint);
  }

  begin(hello: FieldHello): void {
    this.#view.setLabel(hello.label);
    this.#look(hello.look);
    void this.#moveTo(hello.place);
  }

  /** A command of the page; `id`s are answered with the same `id`. */
  obey(command: ToField): void {
    switch (command.type) {
      case 'place':
        void this.#moveTo(command.place);
        break;
      case 'look':
        this.#look(command.look);
        break;
      case 'label':
        this.#view.setLabel(command.label);
        break;
      case 'focus':
        this.#view.input.focus();
        break;
      case 'clear':
        this.#empty(EMPTY);
        break;
      case 'disable':
        this.#disabled = command.disabled;
        this.#open();
        break;
      case 'invalid':
        this.#view.setWrong(true);
        break;
      case 'accept-form':
        this.#anyForm = true;
        this.#check();
        break;
      case 'check':
        this.#tell({ type: 'checked', id: command.id, form: this.#form.form });
        break;
      case 'seal':
        void this.#seal(command);
        break;
    }
  }

  typed(): void {
    this.#anyForm = false;
    this.#check();
  }

  /** Whether a paste of this length may go on. */
  mayPaste(length: number): boolean {
    if (!this.#mayWrite()) {
      this.#sayHidden();
      return false;
    }
    if (length <= PASTE_MAX) return true;
    this.#report(wrong('too_long', texts.form.too_long));
    return false;
  }

  /** What the browser is about to put in; false keeps it out. */
  mayWrite(): boolean {
    if (!this.#mayWrite()) this.#sayHidden();
    return this.#mayWrite();
  }

  seen(sight: FieldSight): void {
    this.#sight = sight;
    clearTimeout(this.#coverTimer);
    this.#open();
    this.#tell({ type: 'sight', sight });
    if (sight === 'covered') this.#coverTimer = setTimeout(() => this.#sayHidden(), COVER_PATIENCE_MS);
    else this.#view.setForm(this.#form);
  }

  /** The page goes away: nothing stays in it. */
  leave(): void {
    this.#empty({ ...EMPTY, form: { state: 'cleared' }, sentence: texts.form.cleared });
  }

  #mayWrite(): boolean {
    return this.#sight === 'seen' && !this.#disabled && this.#placeKnown && !this.#sealing;
  }

  #open(): void {
    this.#view.setOpen(this.#mayWrite());
  }

  #sayHidden(): void {
    if (this.#sight === null || this.#sight === 'seen') return;
    this.#view.setForm({ ...this.#form, sentence: texts.sight[this.#sight], tone: 'bad' });
  }

  #look(look: FieldHello['look']): void {
    const refused = this.#view.setLook(look);
    if (refused.length > 0) this.#tell({ type: 'theme-warning', tokens: refused });
  }

  async #moveTo(place: FieldPlace | null): Promise<void> {
    const moved = !isSamePlace(place, this.#place);
    this.#place = place;
    this.#placeKnown &&= !moved;
    this.#open();
    if (moved && this.#view.input.value !== '')
      this.#empty({ ...EMPTY, form: { state: 'cleared' }, sentence: texts.form.moved, tone: 'bad' });
    let company: string | null = null;
    let failed = false;
    if (place !== null && !isPlatform(place)) {
      company = await readCompanyName(place.company).catch(() => {
        failed = true;
        return null;
      });
      if (this.#place !== place) return;
    }
    const { sentence, known } = placeText(place, company, this.#providers);
    this.#placeKnown = known;
    this.#view.setPlace(failed ? texts.failed : sentence);
    this.#open();
  }

  #owner(): FieldProvider | null {
    return this.#anyForm ? null : (this.#providers.find(({ id }) => id === this.#place?.provider) ?? null);
  }

  #check(): void {
    this.#report(checkForm(this.#view.input.value, this.#owner(), this.#providers));
  }

  #report(form: CheckedForm): void {
    this.#form = form;
    this.#view.setForm(form);
    this.#view.setWrong(form.tone === 'bad');
    this.#tell({ type: 'form', form: form.form });
    clearTimeout(this.#clearTimer);
    if (this.#view.input.value !== '') this.#clearTimer = setTimeout(() => this.leave(), CLEAR_AFTER_MS);
  }

  #empty(form: CheckedForm): void {
    this.#view.input.value = '';
    this.#anyForm = false;
    this.#view.setShown(false);
    this.#report(form);
    this.#view.setWrong(false);
  }

  /** What the reader was shown is what is sealed for, the person of a personal key included. */
  #refusal(place: FieldPlace): FieldProblem | null {
    if (this.#sealing) return 'busy';
    if (!this.#placeKnown || !isSamePlace(place, this.#place) || place.user !== this.#place?.user) return 'other_place';
    if (this.#view.input.value !== '') return null;
    this.#report(wrong('empty', texts.form.empty));
    return 'form';
  }

  async #seal({ id, place, key_id, version }: Extract<ToField, { type: 'seal' }>): Promise<void> {
    const problem = this.#refusal(place);
    if (problem !== null) {
      this.#tell({ type: 'refused', id, problem });
      return;
    }
    this.#sealing = true;
    this.#open();
    const outcome = await sealHeld({
      text: this.#view.input.value,
      owner: this.#owner(),
      all: this.#providers,
      place,
      key_id,
      version,
      shown: this.#fingerprint,
    });
    this.#sealing = false;
    this.#open();
    if ('problem' in outcome) {
      if (outcome.problem === 'form') this.#check();
      this.#tell({ type: 'refused', id, problem: outcome.problem });
      return;
    }
    this.#empty(EMPTY);
    this.#tell({ type: 'sealed', id, ...outcome });
  }
}

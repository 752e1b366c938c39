import type { Caps } from '@ownkey/contract/api/money';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError, isConflict, refusedMember } from '../../api/explain-error.ts';
import { capsPreviewQuery, capsQuery, useAskCaps, useSaveCaps } from '../../api/spend.ts';
import { paths } from '../../paths.ts';
import { useGo } from '../../routing/use-go.ts';
import { useLeaveGuard } from '../../routing/use-leave-guard.ts';
import { Button } from '../../ui/Button.tsx';
import { AlertDialog } from '../../ui/Dialog.tsx';
import { FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { CheckField } from '../../ui/Field.tsx';
import { LeaveQuestion } from '../../ui/LeaveQuestion.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { useNow } from '../../ui/use-now.ts';
import { useOnline } from '../../ui/use-online.ts';
import { useSettled } from '../../ui/use-settled.ts';
import { useMay } from '../keys/use-may.ts';
import { CapsInForce } from './CapsInForce.tsx';
import { type CapsForm, CapsSection } from './CapsSection.tsx';
import { changeOf, EMPTY_DRAFT, EVERYBODY, fieldOfMember, peopleOf, SELF, touchField } from './caps-draft.ts';
import { PeopleCaps } from './PeopleCaps.tsx';
import { previewText } from './preview-text.ts';

/** Caps as a form: admins change all of them, members lower their own. */
export function EditCaps({ co }: { co: string }) {
  const { t } = useTranslation();
  const caps = useQuery(capsQuery);
  const skeleton = useSkeleton(caps.isPending);
  if (caps.isError && caps.data === undefined) {
    return (
      <FailurePanel failure={explainError(caps.error, t)} lead={t('errors.load')} onRetry={() => void caps.refetch()} />
    );
  }
  if (caps.data === undefined) return skeleton ? <SkeletonRows rows={6} label={t('word.loading')} /> : null;
  return <Form co={co} loaded={caps.data} />;
}

function Form({ co, loaded }: { co: string; loaded: Caps }) {
  const { t, i18n } = useTranslation();
  const locale = i18n.language;
  const go = useGo();
  const now = useNow();
  const may = useMay();
  const online = useOnline();
  const { say } = useMessages();
  const queries = useQueryClient();
  // The state the draft is made on stays as it was read, so that somebody else's change is met as a conflict, not passed over.
  const [caps, setCaps] = useState(loaded);
  const [draft, setDraft] = useState(EMPTY_DRAFT);
  const [checked, setChecked] = useState(false);
  const [pausing, setPausing] = useState<string[] | null>(null);
  const saved = useRef(false);
  const ask = useAskCaps();
  const save = useSaveCaps();

  const people = peopleOf(draft, caps);
  const subjects = may.admin ? ['company', 'fallback', EVERYBODY, ...people, SELF] : [SELF];
  const { body, dirty, unreadable } = changeOf(draft, caps, subjects, locale);
  const wanted = useSettled(JSON.stringify(body));
  const settled = wanted === JSON.stringify(body);
  const preview = useQuery({
    ...capsPreviewQuery(body, caps.etag),
    enabled: settled && Object.keys(body).length > 0,
  });
  const guard = useLeaveGuard(() => dirty && !saved.current);

  const failure = save.error ?? ask.error ?? (settled && dirty ? preview.error : null);
  const explained = failure === null ? null : explainError(failure, t);
  const key = fieldOfMember(refusedMember(failure));
  const form: CapsForm = {
    caps,
    draft,
    previews: dirty && preview.error === null ? (preview.data ?? []) : [],
    refused: explained === null ? null : { key, text: withoutMember(explained.text), code: explained.code },
    checked,
    now,
    touch: (subject, field, change) => {
      save.reset();
      ask.reset();
      setDraft((before) => touchField(before, subject, field, change));
    },
  };

  const store = () => {
    setPausing(null);
    save.mutate(
      { body, etag: caps.etag },
      {
        onSuccess: () => {
          saved.current = true;
          say(t('caps.saved'));
          go(paths.spend(co));
        },
      },
    );
  };
  const submit = () => {
    setChecked(true);
    if (unreadable.size > 0) return focusFirstWrong();
    if (!dirty) return go(paths.spend(co));
    save.reset();
    ask.mutate(body, {
      onSuccess: (effects) => {
        const pauses = effects.filter((effect) => effect.effect === 'pauses');
        if (pauses.length === 0) store();
        else setPausing(pauses.flatMap((effect) => previewText(effect, { t, locale, now }).slice(0, 1)));
      },
    });
  };
  const reload = async () => {
    setCaps(await queries.fetchQuery({ ...capsQuery, staleTime: 0 }));
    save.reset();
  };

  return (
    <form
      noValidate
      className="flex flex-col gap-6"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <h2 className="text-dialog font-semibold">{t('caps.title')}</h2>
      {may.admin ? (
        <>
          <CapsSection form={form} subject="company" title={t('caps.company')} hint={t('caps.company_hint')} />
          <PeopleCaps
            form={form}
            people={people}
            onPeople={(id, what) => setDraft((before) => ({ ...before, people: { ...before.people, [id]: what } }))}
          />
          <CapsSection form={form} subject="fallback" title={t('caps.fallback')} hint={t('caps.fallback_hint')} />
          <fieldset className="rounded-card border border-border bg-surface px-4 py-4 sm:px-6">
            <legend className="sr-only">{t('caps.unpriced')}</legend>
            <CheckField
              label={t('caps.block_unpriced')}
              hint={t('caps.unpriced_hint')}
              checked={draft.blockUnpriced ?? caps.block_unpriced}
              onChange={(blockUnpriced) => setDraft((before) => ({ ...before, blockUnpriced }))}
            />
          </fieldset>
        </>
      ) : (
        <CapsInForce caps={caps} reason={t('caps.admins_only', { ask: may.ask })} />
      )}
      <CapsSection form={form} subject={SELF} title={t('caps.me')} hint={t('caps.me_hint')} />
      {explained !== null && key === null ? (
        <FailurePanel
          failure={explained}
          lead={isConflict(failure) ? t('errors.conflict_lead') : t('caps.not_saved')}
          actions={isConflict(failure) ? <Button onClick={() => void reload()}>{t('caps.reload')}</Button> : undefined}
        />
      ) : null}
      <div className="flex flex-wrap items-center justify-end gap-2 border-t border-border pt-4">
        <p role="status" className="me-auto text-text-2">
          {dirty ? t('caps.unsaved') : ''}
        </p>
        <Button onClick={() => go(paths.spend(co))}>{t('action.cancel')}</Button>
        <Button
          type="submit"
          kind="primary"
          busy={ask.isPending || save.isPending}
          unavailable={online ? null : t('permission.offline')}
        >
          {t('caps.save')}
        </Button>
      </div>
      {pausing === null ? null : (
        <AlertDialog
          title={t('caps.pause_title')}
          keep={t('caps.keep')}
          onKeep={() => setPausing(null)}
          confirm={
            <Button kind="danger" onClick={store}>
              {t('caps.pause')}
            </Button>
          }
        >
          {pausing.map((line) => (
            <p key={line}>{line}</p>
          ))}
          <p>{t('caps.pause_text')}</p>
        </AlertDialog>
      )}
      <LeaveQuestion guard={guard} />
    </form>
  );
}

/** The API's sentence without the name of the member before it: the field it stands at says which. */
function withoutMember(text: string): string {
  const sentence = text.replace(/^[\w.-]+: /, '');
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** Puts the focus where something is wrong, once it says so. */
function focusFirstWrong(): void {
  requestAnimationFrame(() => document.querySelector<HTMLElement>('main [aria-invalid="true"]')?.focus());
}

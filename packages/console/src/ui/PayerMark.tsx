import { useTranslation } from 'react-i18next';

export type Payer = 'own' | 'shared' | 'fallback' | 'nobody';

/** Who pays, as shape, colour and word: own key = blue square, shared key = plum circle. The same in every room. */
export function PayerMark({ payer, note }: { payer: Payer; note?: string | undefined }) {
  const { t } = useTranslation();
  const word =
    payer === 'own'
      ? t('word.your_key')
      : payer === 'shared'
        ? t('word.shared_key')
        : payer === 'fallback'
          ? t('word.shared_fallback')
          : t('word.nobody');
  return (
    <span className="inline-flex items-baseline gap-2">
      <PayerDot payer={payer} />
      <span>
        {word}
        {note === undefined ? null : <span className="text-text-2">: {note}</span>}
      </span>
    </span>
  );
}

export function PayerDot({ payer }: { payer: Payer }) {
  return (
    <svg aria-hidden="true" viewBox="0 0 10 10" className="size-2.5 shrink-0">
      {payer === 'own' ? (
        <rect width="10" height="10" rx="2" className="fill-own" />
      ) : payer === 'nobody' ? (
        <path d="M1 5h8" className="stroke-text-3" strokeWidth="2" />
      ) : (
        <circle cx="5" cy="5" r="5" className="fill-shared" />
      )}
    </svg>
  );
}

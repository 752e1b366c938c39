import type { Provider } from '@ownkey/contract/api/providers';
import { useTranslation } from 'react-i18next';
import { PayerDot, PayerMark } from '../../ui/PayerMark.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { fixedText } from './FailChoice.tsx';
import type { KeyActions } from './use-key-actions.ts';
import type { May } from './use-may.ts';

/** Who pays for this provider and what happens when the own key fails. Saved at once, with Undo. */
export function PayerChoice({ provider, may, act }: { provider: Provider; may: May; act: KeyActions }) {
  const { t } = useTranslation();
  const { source, on_failure, fallback } = provider.source;
  const failFixed = may.source ?? fixedText(fallback, t);
  const fixed = may.source ?? (provider.platform_key ? null : t('act.no_shared', { provider: provider.name }));
  return (
    <section aria-label={t('key.paid_by')} className="flex flex-wrap gap-x-12 gap-y-4">
      <div>
        <h2 className="mb-1 text-hint font-semibold text-text-2">{t('key.paid_by')}</h2>
        {fixed === null ? (
          <Segmented
            label={t('key.paid_by')}
            value={source}
            onChange={(value) => act.setSource(provider, value)}
            segments={[
              { value: 'own', label: <Choice payer="own" text={t('word.your_key')} /> },
              { value: 'platform', label: <Choice payer="shared" text={t('word.shared_key')} /> },
            ]}
          />
        ) : (
          <p className="flex flex-col">
            <Choice
              payer={source === 'own' ? 'own' : 'shared'}
              text={source === 'own' ? t('word.your_key') : t('word.shared_key')}
            />
            <span className="text-hint text-text-3">{fixed}</span>
          </p>
        )}
      </div>
      {provider.fallback === null ? null : (
        <div>
          <h2 className="mb-1 text-hint font-semibold text-text-2">{t('key.paid_now')}</h2>
          <PayerMark payer="fallback" note={t(`fallback.${provider.fallback}`)} />
        </div>
      )}
      <div>
        <h2 className="mb-1 text-hint font-semibold text-text-2">{t('key.if_fails')}</h2>
        {failFixed === null ? (
          <Segmented
            label={t('key.if_fails')}
            value={on_failure}
            onChange={(value) => act.setOnFailure(provider, value)}
            segments={[
              { value: 'platform', label: t('key.if_fails_shared') },
              { value: 'stop', label: t('key.if_fails_stop') },
            ]}
          />
        ) : (
          <p className="flex max-w-[50ch] flex-col">
            {fallback.follows === 'stop' ? t('key.if_fails_stop') : t('key.if_fails_shared')}
            <span className="text-hint text-text-3">{failFixed}</span>
          </p>
        )}
      </div>
    </section>
  );
}

function Choice({ payer, text }: { payer: 'own' | 'shared'; text: string }) {
  return (
    <span className="inline-flex items-center gap-2">
      <PayerDot payer={payer} />
      {text}
    </span>
  );
}

import type { UsedPrice as Price } from '@ownkey/contract/api/prices';
import { useTranslation } from 'react-i18next';
import { Money } from '../../ui/Facts.tsx';
import { rateNotes } from './rate-text.ts';

/** Which price a call was made with: where it comes from, and its rates. */
export function UsedPrice({ price }: { price: Price }) {
  const { t, i18n } = useTranslation();
  if (price.basis === 'provider') return <p>{t('prices.reported')}</p>;
  if (price.price === null) return <p>{t('audit.no_price')}</p>;
  const { price: rates } = price;
  return (
    <div className="flex flex-col gap-1">
      <p>
        {price.origin === null ? null : t(`prices.origin_${price.origin}`)}
        {price.source === null ? null : <span className="text-text-2"> · {price.source}</span>}
      </p>
      <ul className="text-text-2">
        <li>
          <Money usd={rates.input_usd_per_mtok} /> {t('prices.of_input')}
        </li>
        <li>
          <Money usd={rates.cached_input_usd_per_mtok} /> {t('prices.of_cached')}
        </li>
        <li>
          <Money usd={rates.output_usd_per_mtok} /> {t('prices.of_output')}
        </li>
        {rateNotes(rates, t, i18n.language).map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </div>
  );
}

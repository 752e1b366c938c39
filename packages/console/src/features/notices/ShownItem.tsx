import type { Spend } from '@ownkey/contract/api/money';
import { useTranslation } from 'react-i18next';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { IconButton } from '../../ui/Button.tsx';
import { FailurePanel, Note } from '../../ui/Feedback.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { useNow } from '../../ui/use-now.ts';
import { useKeyActions } from '../keys/use-key-actions.ts';
import { SpendAction, useSpendText } from '../spend/SpendNote.tsx';
import { NoticeFixes } from './NoticeFixes.tsx';
import { type Item, stops } from './notice-order.ts';
import { noticeText, toneOf } from './notice-text.ts';

/** One banner: the fact, what ends it, how many more there are. What stops AI cannot be dismissed. */
export function ShownItem(props: {
  co: string;
  admin: boolean;
  item: Item;
  others: number;
  spend: Spend | undefined;
  onClose: () => void;
}) {
  const { t, i18n } = useTranslation();
  const { co, item, others, spend } = props;
  const now = useNow();
  const act = useKeyActions();
  const spendText = useSpendText();
  const stuck = item.about === 'spend' ? item.notice.kind === 'reached' : stops(item.notice);
  const text =
    item.about === 'key'
      ? noticeText(item.notice, { t, locale: i18n.language, now })
      : spend === undefined
        ? ''
        : spendText(item.notice, spend);
  return (
    <div className="flex flex-col gap-2">
      <Note
        tone={toneOfItem(item)}
        actions={
          <>
            {item.about === 'spend' ? (
              <SpendAction co={co} admin={props.admin} notice={item.notice} />
            ) : (
              <NoticeFixes notice={item.notice} co={co} act={act} />
            )}
            {others === 0 && item.about === 'spend' ? null : (
              <Link
                to={paths.notices(co)}
                className="inline-flex min-h-8 items-center px-1 underline underline-offset-2 coarse:min-h-11"
              >
                {others === 0 ? t('action.details') : t('notice.more', { count: others })}
              </Link>
            )}
            {stuck ? null : (
              <IconButton label={t('action.close')} onClick={props.onClose}>
                <Icon name="cross" />
              </IconButton>
            )}
          </>
        }
      >
        {text}
      </Note>
      {act.problem === null ? null : <FailurePanel failure={act.problem.failure} lead={`${act.problem.name}:`} />}
    </div>
  );
}

function toneOfItem(item: Item) {
  if (item.about === 'key') return toneOf(item.notice);
  return item.notice.kind === 'reached' ? 'bad' : 'warn';
}

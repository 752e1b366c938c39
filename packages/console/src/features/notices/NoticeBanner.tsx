import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { noticesQuery, useDismissNotice } from '../../api/notices.ts';
import { spendQuery } from '../../api/spend.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { IconButton } from '../../ui/Button.tsx';
import { FailurePanel, Note } from '../../ui/Feedback.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { useNow } from '../../ui/use-now.ts';
import { useKeyActions } from '../keys/use-key-actions.ts';
import { dismiss, dismissed } from '../spend/dismissed.ts';
import { SpendAction, useSpendText } from '../spend/SpendNote.tsx';
import { spendNotice } from '../spend/spend-notice.ts';
import { NoticeFixes } from './NoticeFixes.tsx';
import { type Item, orderItems, stops } from './notice-order.ts';
import { noticeText, toneOf } from './notice-text.ts';

/** What matters most now, about money or keys; the others are a click away. What stops AI cannot be dismissed. */
export function NoticeBanner({ co, admin }: { co: string; admin: boolean }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const spend = useQuery(spendQuery);
  const notices = useQuery(noticesQuery);
  const act = useKeyActions();
  const dismissing = useDismissNotice();
  const spendText = useSpendText();
  const [gone, setGone] = useState(dismissed);
  const money = spend.data === undefined ? null : spendNotice(spend.data);
  const shownMoney = money !== null && money.kind !== 'reached' && gone === money.key ? null : money;
  const [item, ...others] = orderItems(shownMoney, notices.data ?? [], now);
  if (item === undefined) return null;
  const stuck = item.about === 'spend' ? item.notice.kind === 'reached' : stops(item.notice);
  const close = () => {
    if (item.about === 'key') return dismissing.mutate(item.notice.id);
    dismiss(item.notice.key);
    setGone(item.notice.key);
  };
  const text =
    item.about === 'key'
      ? noticeText(item.notice, { t, locale: i18n.language, now })
      : spend.data === undefined
        ? ''
        : spendText(item.notice, spend.data);
  return (
    <div className="flex flex-col gap-2">
      <Note
        tone={toneOfItem(item)}
        actions={
          <>
            {item.about === 'spend' ? (
              <SpendAction co={co} admin={admin} notice={item.notice} />
            ) : (
              <NoticeFixes notice={item.notice} co={co} act={act} />
            )}
            {others.length === 0 && item.about === 'spend' ? null : (
              <Link
                to={paths.notices(co)}
                className="inline-flex min-h-8 items-center px-1 underline underline-offset-2 coarse:min-h-11"
              >
                {others.length === 0 ? t('action.details') : t('notice.more', { count: others.length })}
              </Link>
            )}
            {stuck ? null : (
              <IconButton label={t('action.close')} onClick={close}>
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

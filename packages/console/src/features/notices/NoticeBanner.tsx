import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { noticesQuery, useDismissNotice } from '../../api/notices.ts';
import { spendQuery } from '../../api/spend.ts';
import { withNoticeTexts } from '../../i18n/with-texts.ts';
import { useNow } from '../../ui/use-now.ts';
import { dismiss, dismissed } from '../spend/dismissed.ts';
import { spendNotice } from '../spend/spend-notice.ts';
import { type Item, orderItems } from './notice-order.ts';

// Loaded, with its texts, when there is something to say: mostly there is not.
const ShownItem = lazy(() => withNoticeTexts(import('./ShownItem.tsx')).then((m) => ({ default: m.ShownItem })));

/** What matters most now, about money or keys; the others are a click away. */
export function NoticeBanner({ co, admin }: { co: string; admin: boolean }) {
  const now = useNow();
  const spend = useQuery(spendQuery);
  const notices = useQuery(noticesQuery);
  const dismissing = useDismissNotice();
  const [gone, setGone] = useState(dismissed);
  const money = spend.data === undefined ? null : spendNotice(spend.data);
  const shownMoney = money !== null && money.kind !== 'reached' && gone === money.key ? null : money;
  const [item, ...others] = orderItems(shownMoney, notices.data ?? [], now);
  if (item === undefined) return null;
  const close = (closed: Item) => {
    if (closed.about === 'key') return dismissing.mutate(closed.notice.id);
    dismiss(closed.notice.key);
    setGone(closed.notice.key);
  };
  return (
    <Suspense>
      <ShownItem
        co={co}
        admin={admin}
        item={item}
        others={others.length}
        spend={spend.data}
        onClose={() => close(item)}
      />
    </Suspense>
  );
}

import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { createQueryClient } from '../api/query-client.ts';
import { nameHost, startTexts } from '../i18n/start.ts';
import { nameTitles } from '../routing/page-title.ts';
import { MessageProvider } from '../ui/Messages.tsx';
import { createConsoleRouter } from './router.tsx';

const texts = startTexts();
const queries = createQueryClient();
const router = createConsoleRouter(queries, (name) => {
  nameHost(texts, name);
  if (name !== null) nameTitles(name);
});

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <MessageProvider>
        <RouterProvider router={router} />
      </MessageProvider>
    </QueryClientProvider>
  );
}

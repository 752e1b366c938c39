import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { createQueryClient } from '../api/query-client.ts';
import { startTexts } from '../i18n/start.ts';
import { MessageProvider } from '../ui/Messages.tsx';
import { createConsoleRouter } from './router.tsx';

startTexts();
const queries = createQueryClient();
const router = createConsoleRouter(queries);

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <MessageProvider>
        <RouterProvider router={router} />
      </MessageProvider>
    </QueryClientProvider>
  );
}

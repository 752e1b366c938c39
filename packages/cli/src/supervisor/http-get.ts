import http from 'node:http';

/** A plain request to a process of this machine; status 0 and why when no answer comes within 3 s. Never rejects. */
export function getText(url: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, timeout: 3000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text = (text + chunk).slice(0, 500);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', (error) => resolve({ status: 0, text: error.message }));
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 3 s')));
    request.on('error', (error) => resolve({ status: 0, text: error.message }));
  });
}

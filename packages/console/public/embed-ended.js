// Tells the page around the frame that its session has ended; it gets nothing else to hear.
addEventListener('message', (event) => {
  const [port] = event.ports;
  if (event.source === window.parent && event.data?.ownkey === 'embed') port?.postMessage({ type: 'ended' });
});

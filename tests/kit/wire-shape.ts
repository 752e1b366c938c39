/** Shapes of wire answers: which fields there are and of which type, in which order events come. Content does not count. */

/** A type name, a list's merged item shape, or an object's fields. "null" goes with anything: providers send null for "none". */
export type Shape = string | [Shape] | { [field: string]: Shape };

/** Shape of a JSON value. The items of a list are merged: a field that some item has is part of the shape. */
export function shapeOf(value: unknown): Shape {
  if (value === null) return 'null';
  if (Array.isArray(value)) return [value.map(shapeOf).reduce(merge, 'null')];
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([field, item]) => [field, shapeOf(item)]));
}

function merge(one: Shape, other: Shape): Shape {
  if (one === 'null') return other;
  if (other === 'null') return one;
  if (Array.isArray(one) && Array.isArray(other)) return [merge(one[0], other[0])];
  if (isFields(one) && isFields(other)) {
    const merged: Record<string, Shape> = { ...one };
    for (const [field, shape] of Object.entries(other)) merged[field] = merge(merged[field] ?? 'null', shape);
    return merged;
  }
  return one;
}

function isFields(shape: Shape): shape is { [field: string]: Shape } {
  return typeof shape === 'object' && !Array.isArray(shape);
}

/** Differences between two shapes as readable lines; paths in `leaveOut` (dots between fields, `[]` for lists) are not compared. */
export function differences(made: Shape, recorded: Shape, leaveOut: readonly string[] = [], path = ''): string[] {
  if (leaveOut.includes(path) || made === 'null' || recorded === 'null') return [];
  if (Array.isArray(made) && Array.isArray(recorded)) return differences(made[0], recorded[0], leaveOut, `${path}[]`);
  if (isFields(made) && isFields(recorded)) {
    const fields = new Set([...Object.keys(made), ...Object.keys(recorded)]);
    return [...fields].flatMap((field) => {
      const at = path === '' ? field : `${path}.${field}`;
      const [ours, theirs] = [made[field], recorded[field]];
      if (leaveOut.includes(at)) return [];
      if (ours === undefined) return [`${at} is missing`];
      if (theirs === undefined) return [`${at} is not in the recording`];
      return differences(ours, theirs, leaveOut, at);
    });
  }
  return JSON.stringify(made) === JSON.stringify(recorded)
    ? []
    : [`${path} is ${JSON.stringify(made)}, recorded as ${JSON.stringify(recorded)}`];
}

/** One kind of event: neighbours of the same kind are one. */
export interface EventShape {
  event: string;
  data: Shape;
}

/** The events of a stream in order; runs of events with the same name and the same fields count once. */
export function eventShapesOf(sse: string): EventShape[] {
  const shapes: EventShape[] = [];
  for (const frame of sse.replaceAll('\r\n', '\n').split('\n\n')) {
    const shape = eventShapeOf(frame);
    const last = shapes.at(-1);
    if (!shape) continue;
    if (last && last.event === shape.event && sameFields(last.data, shape.data))
      last.data = merge(last.data, shape.data);
    else shapes.push(shape);
  }
  return shapes;
}

function eventShapeOf(frame: string): EventShape | null {
  const lines = frame.split('\n').filter((line) => line !== '');
  if (lines.length === 0) return null;
  const event =
    lines
      .find((line) => line.startsWith('event:'))
      ?.slice(6)
      .trim() ?? '';
  const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim());
  if (data.length === 0) return { event: 'comment', data: 'null' };
  if (data[0] === '[DONE]') return { event: 'done', data: 'null' };
  return { event, data: shapeOf(JSON.parse(data.join('\n'))) };
}

function sameFields(one: Shape, other: Shape): boolean {
  return JSON.stringify(fieldsOf(one)) === JSON.stringify(fieldsOf(other));
}

function fieldsOf(shape: Shape): unknown {
  if (Array.isArray(shape)) return [fieldsOf(shape[0])];
  if (!isFields(shape)) return '';
  return Object.keys(shape)
    .sort()
    .map((field) => [field, fieldsOf(shape[field] ?? 'null')]);
}

import { expect, it } from 'vitest';
import { durationText, parseDuration, parseRate, parseSize, rateText, sizeText } from '../../src/config/schema/units.js';

it.each([
  ['500ms', 500],
  ['10s', 10_000],
  ['1h30m', 5_400_000],
  ['7d', 604_800_000],
  ['1.5h', 5_400_000],
  ['0', 0],
  ['10', null],
  ['s', null],
  ['-1s', null],
  ['1e3s', null],
  ['1 s', null],
  ['99999999999999d', null],
  ['', null],
])('T16: the duration %j is %j ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each([
  ['1MiB', 1_048_576],
  ['500KB', 500_000],
  ['10 B', 10],
  ['1', null],
  ['1mb', null],
  ['-1B', null],
])('the size %j is %j bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

it.each([
  ['1/s', 1],
  ['30/m', 0.5],
  ['0/s', null],
  ['5', null],
])('the rate %j is %j a second', (text, rate) => {
  expect(parseRate(text)).toBe(rate);
});

it.each(['0', '1ms', '90s', '1h30m', '7d', '1d1ms', '36500d'])('the duration %s reads back what is written for it', (text) => {
  const ms = parseDuration(text) ?? NaN;
  expect(parseDuration(durationText(ms))).toBe(ms);
});

it.each([
  ['1MiB', '1MiB'],
  ['1024B', '1KiB'],
  ['1500KB', '1500KB'],
  ['1001B', '1001B'],
])('the size %s is written %s', (text, written) => {
  expect(sizeText(parseSize(text) ?? NaN)).toBe(written);
});

it.each([
  ['1/s', '1/s'],
  ['60/m', '1/s'],
  ['7/m', '7/m'],
  ['1/h', '1/h'],
])('the rate %s is written %s', (text, written) => {
  expect(rateText(parseRate(text) ?? NaN)).toBe(written);
});

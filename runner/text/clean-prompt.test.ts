import { describe, expect, it } from 'vitest';
import { cleanPrompt } from './clean-prompt.ts';
import { unescapeHtml } from './html-unescape.ts';

describe('cleaning a prompt', () => {
  it.each([
    { name: 'keeps plain text', text: 'a red circle', clean: 'a red circle' },
    { name: 'keeps nothing of nothing', text: '', clean: '' },
    {
      name: 'collapses white space of all kinds',
      text: '  two\t\tcats \r\n\u3000sleep\u00a0\u2009',
      clean: 'two cats sleep',
    },
    { name: 'straightens quotes', text: '“it’s” ‘so’ ‟ʼ', clean: `"it's" 'so' "'` },
    { name: 'takes ligatures apart', text: 'ﬁlm oﬀ ĳs ǅ', clean: 'film off ijs Dž' },
    { name: 'gives letters their usual width', text: 'ＷＡＮ２．１ ｶﾞ', clean: 'WAN2.1 カ\u3099'.normalize('NFC') },
    { name: 'composes accents', text: 'e\u0301te\u0301', clean: 'été' },
    { name: 'drops control characters and colours', text: 'a\u0000b\u001b[31mc\ufeff\u2028d', clean: 'abc d' },
    { name: 'reads C1 controls as Windows did', text: 'wait\u0085 \u0093so\u0094', clean: 'wait… "so"' },
    { name: 'replaces lone surrogates', text: 'a\ud800b', clean: 'a\ufffdb' },
    { name: 'reads HTML names', text: 'caf&eacute; &amp; th&eacute; &#233; &#xe9;', clean: 'café & thé é é' },
    { name: 'reads names in capitals', text: 'P&EACUTE;REZ STRA&SZLIG;E', clean: 'PÉREZ STRASSE' },
    {
      name: 'reads HTML twice, and in text with tags, too',
      text: '<b>&amp;lt;i&amp;gt; &NTILDE;',
      clean: '<b><i> &NTILDE;',
    },
    { name: 'reads names without a semicolon', text: 'fish &amp chips, &notit;', clean: 'fish & chips, ¬it;' },
    { name: 'keeps names that mean nothing', text: '&bogus; &; &# AT&T', clean: '&bogus; &; &# AT&T' },
    { name: 'mends mojibake', text: 'âœ” voilÃ\u00a0', clean: '✔ voilà' },
  ])('$name', ({ text, clean }) => {
    expect(cleanPrompt(text)).toBe(clean);
  });

  it('changes nothing when done again', () => {
    const once = cleanPrompt('“ﬁlm” &eacute;  ｶﾞ\u0085');
    expect(cleanPrompt(once)).toBe(once);
  });
});

describe('numbers of characters', () => {
  it.each([
    ['&#0;', '\ufffd'],
    ['&#128;', '€'],
    ['&#x9f;', 'Ÿ'],
    ['&#129;', '\u0081'],
    ['&#xD800;', '\ufffd'],
    ['&#x110000;', '\ufffd'],
    ['&#99999999999999999999;', '\ufffd'],
    ['&#11;', ''],
    ['&#xFFFE;', ''],
    ['&#x1F600', '😀'],
    ['&#13;', '\r'],
  ])('%s is read as Python reads it', (text, character) => {
    expect(unescapeHtml(text)).toBe(character);
  });
});

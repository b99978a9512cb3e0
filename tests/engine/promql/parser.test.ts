import { describe, expect, test } from 'vitest'
import { QueryError } from '../../../src/engine/model/errors.ts'
import type { Expr } from '../../../src/engine/promql/syntax/ast.ts'
import { parse, problemsIn } from '../../../src/engine/promql/syntax/parser.ts'
import type { ParserOptions } from '../../../src/engine/promql/syntax/options.ts'
import { print } from '../../../src/engine/promql/syntax/printer.ts'

/** What an expression is; of its tree only what matters. */
const trees: [string, object][] = [
  ['foo offset 1.5', { kind: 'vectorSelector', name: 'foo', offset: { ms: 1500, expr: null }, at: null }],
  [
    'foo[5m] @ start()',
    { kind: 'matrixSelector', range: { ms: 300_000 }, selector: { at: { kind: 'start' } } },
  ],
  [
    'foo[1m:10s] offset -1m @ 3',
    { kind: 'subquery', offset: { ms: -60_000 }, at: { kind: 'time', ms: 3000 } },
  ],
  ['foo[1m:]', { kind: 'subquery', range: { ms: 60_000 }, step: null }],
  ['foo[5m] smoothed', { kind: 'matrixSelector', selector: { ends: 'smoothed' } }],
  ['foo[step() * 2]', { range: { ms: NaN, expr: { kind: 'durationBinary', left: { name: 'step' } } } }],
  ['foo offset -(5m)', { offset: { expr: { kind: 'durationUnary', expr: { kind: 'durationParen' } } } }],
  ['foo offset 1m * 2', { kind: 'binary', left: { offset: { ms: 60_000 } } }],
  ['-1 ^ 2', { kind: 'unary', expr: { kind: 'binary', op: '^' } }],
  ['2 ^ -1 * 3', { op: '*', left: { op: '^', right: { value: -1 } } }],
  ['2 ^ 3 ^ 2', { op: '^', left: { value: 2 }, right: { op: '^' } }],
  ['a or b and c == d + e * f', { op: 'or', right: { op: 'and', right: { op: '==', right: { op: '+' } } } }],
  ['a </ 1 >/ 2', { op: '>/', left: { op: '</' } }],
  ['-a offset 1m', { kind: 'unary', expr: { offset: { ms: 60_000 } } }],
  ['a + b', { matching: { card: 'one-to-one', on: false, labels: [], fill: { left: null, right: null } } }],
  ['a and b', { matching: { card: 'many-to-many' } }],
  ['a + 1', { matching: null }],
  ['1 > bool 2', { bool: true, matching: null }],
  [
    'a * on(x) group_left(y) b',
    { matching: { card: 'many-to-one', on: true, labels: ['x'], include: ['y'] } },
  ],
  ['a * ignoring(x) group_right b', { matching: { card: 'one-to-many', on: false, include: [] } }],
  ['a + fill_left(1) b', { matching: { fill: { left: 1, right: null } } }],
  ['topk(3, a) by (x)', { kind: 'aggregate', op: 'topk', param: { value: 3 }, grouping: ['x'] }],
  ['sum without ("a.b") (a)', { param: null, grouping: ['a.b'], without: true }],
  ['info(a, {x="y"})', { kind: 'call', name: 'info', args: [{ name: 'a' }, { name: '' }] }],
  ['min_of(1, 2)', { kind: 'call', name: 'min_of' }],
  ['1h30m', { kind: 'number', value: 5400, duration: true }],
  ['1s1ms', { value: 1.001 }],
  ['0x_ff + 0_17', { left: { value: 255 }, right: { value: 15 } }],
  ['"\\u00e9\\351"', { kind: 'string', value: 'é\udce9' }],
]

test.each(trees)('%s is read', (written, tree) => {
  expect(parse(written)).toMatchObject(tree)
})

test('every part knows where it is', () => {
  const written = ' max(rate(foo{a="b"}[5m:] offset 1m)) by (x) + -(bar @ 5)'
  const parts: string[] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if ('kind' in value && 'span' in value) {
      const { from, to } = (value as Expr).span
      parts.push(written.slice(from, to))
    }
    Object.values(value).forEach(visit)
  }
  visit(parse(written))
  expect(parts).toEqual([
    'max(rate(foo{a="b"}[5m:] offset 1m)) by (x) + -(bar @ 5)',
    'max(rate(foo{a="b"}[5m:] offset 1m)) by (x)',
    'rate(foo{a="b"}[5m:] offset 1m)',
    'foo{a="b"}[5m:] offset 1m',
    'foo{a="b"}',
    '-(bar @ 5)',
    '(bar @ 5)',
    'bar @ 5',
  ])
})

/** What is written, what Prometheus says, and what the message is about. */
const complaints: [string, string, string?][] = [
  ['', 'unknown position: parse error: no expression found in input'],
  ['# nothing\n', '1:1: parse error: no expression found in input'],
  ['1 +', '1:4: parse error: unexpected end of input', ''],
  ['*1', '1:1: parse error: unexpected <op:*>', '*'],
  ['foo bar', '1:5: parse error: unexpected identifier "bar"', 'bar'],
  ['foo a:b', '1:5: parse error: unexpected metric identifier "a:b"', 'a:b'],
  ['foo 1234567890123', '1:5: parse error: unexpected number "1234567890"...', '1234567890123'],
  ['foo by', '1:5: parse error: unexpected <by>', 'by'],
  ['foo SUM', '1:5: parse error: unexpected <aggr:SUM>', 'SUM'],
  ['foo start', '1:5: parse error: unexpected "start"', 'start'],
  ['foo "bar"', '1:5: parse error: unexpected string "\\"bar\\""', '"bar"'],
  ['foo 5m', '1:5: parse error: unexpected duration "5m"', '5m'],
  ['foo = 1', '1:5: parse error: unexpected "="', '='],
  ['on', '1:1: parse error: unexpected <on>', 'on'],
  ['atan2', '1:1: parse error: unexpected <op:atan2>', 'atan2'],
  ['(', '1:2: parse error: unclosed left parenthesis', ''],
  ['((1)', '1:5: parse error: unclosed left parenthesis', ''],
  ['(1))', "1:5: parse error: unexpected right parenthesis ')'", ''],
  ['foo]', "1:4: parse error: unexpected right bracket ']'", ']'],
  ['foo}', "1:4: parse error: unexpected character: '}'", '}'],
  ['foo $', "1:5: parse error: unexpected character: '$'", '$'],
  ['foo !~ 1', "1:5: parse error: unexpected character after '!': '~'", '!~ 1'],
  ['foo !', "1:5: parse error: unexpected character after '!': '\ufffd'", '!'],
  ['foo =~ 1', "1:5: parse error: unexpected character after '=': '~'", '=~ 1'],
  ['2.5.', '1:1: parse error: bad number or duration syntax: "2.5."', '2.5.'],
  ['0deadbeef', '1:1: parse error: bad number or duration syntax: "0de"', '0deadbeef'],
  ['1__0', '1:1: parse error: bad number or duration syntax: "1__"', '1__0'],
  ['0x', '1:1: parse error: error parsing number: strconv.ParseFloat: parsing "0x": invalid syntax', '0x'],
  [
    '1e999',
    '1:1: parse error: error parsing number: strconv.ParseFloat: parsing "1e999": value out of range',
    '1e999',
  ],
  ['5m1m', '1:1: parse error: not a valid duration string: "5m1m"', '5m1m'],
  ['5y1hs', '1:1: parse error: unknown unit "hs" in duration "5y1hs"', '5y1hs'],
  ['300y', '1:1: parse error: duration out of range', '300y'],
  ['"abc', '1:1: parse error: unterminated quoted string', '"abc'],
  ['"a\nb"', '1:1: parse error: unterminated quoted string', '"a\nb"'],
  ['`abc', '1:1: parse error: unterminated raw string', '`abc'],
  ['"\\c"', "1:1: parse error: unknown escape sequence U+0063 'c'", '"\\c"'],
  ['"\\', '1:1: parse error: escape sequence not terminated', '"\\'],
  ['"\\x."', "1:1: parse error: illegal character U+002E '.' in escape sequence", '"\\x."'],
  ['"\\400"', '1:1: parse error: escape sequence is an invalid Unicode code point', '"\\400"'],
  ['"\\ud800"', '1:1: parse error: escape sequence is an invalid Unicode code point', '"\\ud800"'],
  ['"\ud800"', '1:1: parse error: invalid UTF-8 rune', '"\ud800"'],
  ['{', '1:2: parse error: unexpected end of input inside braces', ''],
  ['foo{a="b"', '1:10: parse error: unexpected end of input inside braces', ''],
  ['foo{{', "1:5: parse error: unexpected left brace '{'", '{'],
  ['foo{1}', "1:5: parse error: unexpected character inside braces: '1'", '1}'],
  ['foo{a!"b"}', "1:6: parse error: unexpected character after '!' inside braces: '\"'", '!"b"}'],
  ['foo{,}', '1:5: parse error: unexpected "," in label matching, expected identifier or "}"', ','],
  ['foo{a="b",,}', '1:11: parse error: unexpected "," in label matching, expected identifier or "}"', ','],
  ['foo{a}', '1:6: parse error: unexpected "}" in label matching, expected label matching operator', '}'],
  ['foo{a=b}', '1:7: parse error: unexpected identifier "b" in label matching, expected string', 'b'],
  [
    'foo{a="b" c}',
    '1:11: parse error: unexpected identifier "c" in label matching, expected "," or "}"',
    'c',
  ],
  ['foo{a=~"["}', '1:5: parse error: error parsing regexp: missing closing ]: `[)$`', 'a=~"["'],
  ['{}', '1:1: parse error: vector selector must contain at least one non-empty matcher', '{}'],
  [
    '1 + {a=~".*"}',
    '1:5: parse error: vector selector must contain at least one non-empty matcher',
    '{a=~".*"}',
  ],
  [
    'foo{__name__="bar"}',
    '1:1: parse error: metric name must not be set twice: "foo" or "bar"',
    'foo{__name__="bar"}',
  ],
  [
    'foo[]',
    '1:5: parse error: unexpected "]" in subquery or range selector, expected number, duration, step(), or range()',
    ']',
  ],
  ['foo[', '1:5: parse error: unexpected end of input in duration expression', ''],
  ['foo["5m"]', "1:5: parse error: unexpected character in duration expression: '\"'", '"5m"]'],
  ['foo[0]', '1:5: parse error: duration must be greater than 0', '0'],
  ['foo[-1]', '1:5: parse error: duration must be greater than 0', '-1'],
  ['foo[9.5e10]', '1:5: parse error: duration out of range', '9.5e10'],
  ['foo[5m1]', '1:5: parse error: bad number or duration syntax: "5m1"', '5m1]'],
  ['foo[5s x]', "1:8: parse error: unexpected character: 'x', expected ':'", 'x]'],
  ['foo[5m)', "1:8: parse error: unexpected right parenthesis ')'", ''],
  ['1[5m]', '1:2: parse error: ranges only allowed for vector selectors', '[5m]'],
  ['foo offset 5m [5m]', '1:15: parse error: no offset modifiers allowed before range', '[5m]'],
  [
    'foo offset',
    '1:11: parse error: unexpected end of input in offset, expected number, duration, step(), or range()',
    '',
  ],
  ['foo offset 1s offset 2s', '1:1: parse error: offset may not be set multiple times', 'foo offset 1s'],
  [
    '1 offset 5m',
    '1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
    '1',
  ],
  ['sum(foo', '1:8: parse error: unclosed left parenthesis', ''],
  ['sum(foo bar)', '1:9: parse error: unexpected identifier "bar" in aggregation', 'bar'],
  ['sum foo', '1:5: parse error: unexpected identifier "foo"', 'foo'],
  ['sum by a (foo)', '1:8: parse error: unexpected identifier "a" in grouping opts, expected "("', 'a'],
  ['sum by (=) (foo)', '1:9: parse error: unexpected "=" in grouping opts, expected label', '='],
  [
    'sum by (a b) (foo)',
    '1:11: parse error: unexpected identifier "b" in grouping opts, expected "," or ")"',
    'b',
  ],
  ['sum by (a,,) (foo)', '1:11: parse error: unexpected "," in grouping opts, expected label', ','],
  [
    'sum by (without) (foo)',
    '1:9: parse error: unexpected <without> in grouping opts, expected label',
    'without',
  ],
  ['sum() by (a)', '1:1: parse error: no arguments for aggregate expression provided', 'sum() by (a)'],
  [
    'sum(a, b)',
    '1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2',
    'sum(a, b)',
  ],
  [
    'sum(foo[5m])',
    '1:5: parse error: expected type instant vector in aggregation expression, got range vector',
    'foo[5m]',
  ],
  [
    'rate(foo)',
    '1:6: parse error: expected type range vector in call to function "rate", got instant vector',
    'foo',
  ],
  ['rate()', '1:1: parse error: expected 1 argument(s) in call to "rate", got 0', 'rate()'],
  ['rate(foo[5m],)', '1:13: parse error: trailing commas not allowed in function call args', ','],
  ['a > nosuch()', '1:5: parse error: unknown function with name "nosuch"', 'nosuch'],
  ['constructor(foo)', '1:1: parse error: unknown function with name "constructor"', 'constructor'],
  [
    '-foo[5m]',
    '1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "range vector"',
    '-foo[5m]',
  ],
  [
    'foo + "bar"',
    '1:7: parse error: binary expression must contain only scalar and instant vector types',
    '"bar"',
  ],
  ['1 == 1', '1:3: parse error: comparisons between scalars must use BOOL modifier', '=='],
  ['foo + bool bar', '1:5: parse error: bool modifier can only be used on comparison operators', '+ bool'],
  [
    'foo == on(a) 1',
    '1:1: parse error: vector matching only allowed between instant vectors',
    'foo == on(a) 1',
  ],
  ['a - on(b) ignoring(c) d', '1:11: parse error: unexpected <ignoring>', 'ignoring'],
  ['foo + group_left bar', '1:7: parse error: unexpected <group_left>', 'group_left'],
  // Lines and columns count from 1, columns count bytes; spans count UTF-16 units.
  ['foo\n  + =', '2:5: parse error: unexpected "="', '='],
  ['"é😀" + =', '1:12: parse error: unexpected "="', '='],
  // Where the whole language has more to complain about.
  ['foo and 1', '1:1: parse error: set operator "and" not allowed in binary scalar expression', 'foo and 1'],
  ['1 or bar', '1:1: parse error: set operator "or" not allowed in binary scalar expression', '1 or bar'],
  [
    'foo and on(a) group_left(b) bar',
    '1:1: parse error: no grouping allowed for "and" operation',
    'foo and on(a) group_left(b) bar',
  ],
  [
    'foo or fill(0) bar',
    '1:1: parse error: filling in missing series not allowed for set operators',
    'foo or fill(0) bar',
  ],
  [
    '1 + fill(0) foo',
    '1:1: parse error: filling in missing series only allowed between instant vectors',
    '1 + fill(0) foo',
  ],
  [
    'foo + on(a, b) group_left(b) bar',
    '1:5: parse error: label "b" must not occur in ON and GROUP clause at once',
    '+ on(a, b) group_left(b)',
  ],
  ['foo * group_left bar', '1:7: parse error: unexpected <group_left>', 'group_left'],
  [
    'foo * on(a) group_left [5m] bar',
    '1:24: parse error: unexpected "[" in grouping opts, expected "("',
    '[',
  ],
  ['foo + fill bar', '1:12: parse error: unexpected identifier "bar"', 'bar'],
  ['foo + fill(bar) baz', '1:12: parse error: unexpected identifier "bar"', 'bar'],
  ['foo + fill_left(1) fill_left(2) bar', '1:29: parse error: unexpected "("', '('],
  ['foo + bool bool bar', '1:12: parse error: unexpected <bool>', 'bool'],
  ['foo > on bar', '1:10: parse error: unexpected identifier "bar" in grouping opts, expected "("', 'bar'],
  ['foo @ bar', '1:7: parse error: unexpected identifier "bar" in @, expected timestamp', 'bar'],
  ['foo @', '1:6: parse error: unexpected end of input in @, expected timestamp', ''],
  ['foo @ start', '1:12: parse error: unexpected end of input in @, expected timestamp', ''],
  ['foo @ step()', '1:7: parse error: unexpected "step" in @, expected timestamp', 'step'],
  ['foo @ 1 @ 2', '1:1: parse error: @ <timestamp> may not be set multiple times', 'foo @ 1'],
  [
    '1 @ 2',
    '1:1: parse error: @ modifier must be preceded by an instant vector selector or range vector selector or a subquery',
    '1',
  ],
  ['foo @ Inf', '1:1: parse error: timestamp out of bounds for @ modifier: +Inf', 'foo'],
  [
    'foo @ -9223372036854775808',
    '1:1: parse error: timestamp out of bounds for @ modifier: -9223372036854775808.000000',
    'foo',
  ],
  ['foo @ 1[5m]', '1:8: parse error: no @ modifiers allowed before range', '[5m]'],
  [
    'foo offset bar',
    '1:12: parse error: unexpected identifier "bar" in offset, expected number, duration, step(), or range()',
    'bar',
  ],
  ['foo offset (5m', '1:15: parse error: unclosed left parenthesis', ''],
  [
    'foo offset (5m + bar)',
    '1:18: parse error: unexpected identifier "bar" in offset, expected number, duration, step(), or range()',
    'bar',
  ],
  ['foo offset 1e30', '1:12: parse error: duration out of range', '1e30'],
  ['foo offset -Inf', '1:12: parse error: duration out of range', '-'],
  [
    'sum(foo) offset 5m',
    '1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
    'sum(foo)',
  ],
  ['foo[5m:', '1:8: parse error: unclosed left bracket', ''],
  ['foo[5m:]:', '1:9: parse error: unexpected metric identifier ":"', ':'],
  ['foo[5m:bar]', "1:8: parse error: unexpected character: 'b', expected ':'", 'bar]'],
  ['foo[:5m]', '1:6: parse error: unexpected colon before duration in duration expression', '5m]'],
  ['foo[5m:1m:1m]', "1:10: parse error: unexpected colon ':'", ':1m]'],
  [
    'foo[5m 1m]',
    '1:8: parse error: unexpected duration "1m" in subquery or range, expected ":" or "]"',
    '1m',
  ],
  ['foo[5m:1m 1m]', '1:11: parse error: unexpected duration "1m" in subquery selector, expected "]"', '1m'],
  ['foo[5m / 0]', '1:8: parse error: division by zero', '/'],
  ['foo[5m % 0s]', '1:8: parse error: modulo by zero', '%'],
  ['foo[-5m]', '1:5: parse error: duration must be greater than 0', '-5m'],
  ['foo[5m:0]', '1:8: parse error: duration must be greater than 0', '0'],
  ['foo[1y2y]', '1:5: parse error: bad number or duration syntax: "1y2"', '1y2y]'],
  ['foo[300y]', '1:5: parse error: duration out of range', '300y'],
  ['foo[1.5h]', '1:5: parse error: unknown unit "." in duration "1.5h"', '1.5h'],
  [
    'foo[step]',
    '1:9: parse error: unexpected "]" in subquery or range selector, expected number, duration, step(), or range()',
    ']',
  ],
  [
    'foo[step(]',
    '1:10: parse error: unexpected "]" in subquery or range selector, expected number, duration, step(), or range()',
    ']',
  ],
  [
    'foo[max_of(1m)]',
    '1:14: parse error: unexpected ")" in subquery or range selector, expected number, duration, step(), or range()',
    ')',
  ],
  ['foo[[5m]]', "1:5: parse error: unexpected character in duration expression: '['", '[5m]]'],
  ['foo[5m][5m]', '1:8: parse error: ranges only allowed for vector selectors', '[5m]'],
  [
    'foo[5m] offset 1m offset 2m',
    '1:1: parse error: offset may not be set multiple times',
    'foo[5m] offset 1m',
  ],
  [
    'foo[5m] anchored smoothed',
    '1:1: parse error: anchored and smoothed modifiers cannot be used together',
    'foo[5m]',
  ],
  ['foo[5m:] smoothed', '1:1: parse error: smoothed modifier is not supported for subqueries', 'foo[5m:]'],
  ['1 anchored', '1:1: parse error: anchored modifier not implemented', '1'],
  ['1[5m] anchored', '1:2: parse error: ranges only allowed for vector selectors', '[5m]'],
  ['rate(foo)[5m] @ 1', '1:10: parse error: ranges only allowed for vector selectors', '[5m]'],
  [
    '"a"[5m:]',
    '1:1: parse error: subquery is only allowed on instant vector, got string instead',
    '"a"[5m:]',
  ],
  [
    'foo[5m:][1m:]',
    '1:1: parse error: subquery is only allowed on instant vector, got matrix instead',
    'foo[5m:][1m:]',
  ],
  [
    'foo[5m] + 1',
    '1:1: parse error: binary expression must contain only scalar and instant vector types',
    'foo[5m]',
  ],
  [
    'rate(foo[5m:][5m:])',
    '1:6: parse error: subquery is only allowed on instant vector, got matrix instead',
    'foo[5m:][5m:]',
  ],
  ['abs(foo, bar)', '1:1: parse error: expected 1 argument(s) in call to "abs", got 2', 'abs(foo, bar)'],
  ['abs()', '1:1: parse error: expected 1 argument(s) in call to "abs", got 0', 'abs()'],
  [
    'round(foo, 1, 2)',
    '1:1: parse error: expected at most 2 argument(s) in call to "round", got 3',
    'round(foo, 1, 2)',
  ],
  [
    'label_join(foo)',
    '1:1: parse error: expected at least 3 argument(s) in call to "label_join", got 1',
    'label_join(foo)',
  ],
  [
    'histogram_quantiles(foo, "q", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)',
    '1:1: parse error: expected at most 12 argument(s) in call to "histogram_quantiles", got 13',
    'histogram_quantiles(foo, "q", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)',
  ],
  ['round(1)', '1:7: parse error: expected type instant vector in call to function "round", got scalar', '1'],
  [
    'label_replace(foo, "a", "b", "c", 1)',
    '1:35: parse error: expected type string in call to function "label_replace", got scalar',
    '1',
  ],
  ['info(foo, bar)', '1:11: parse error: expected label selectors only, got vector selector instead', 'bar'],
  [
    'info(foo, 1)',
    '1:1: parse error: expected type instant vector in call to function "info", got scalar',
    'info(foo, 1)',
  ],
  ['info(foo, -{a="b"})', '1:11: parse error: expected label selectors only', '-{a="b"}'],
  ['vector("1")', '1:8: parse error: expected type scalar in call to function "vector", got string', '"1"'],
  [
    'topk(foo, foo)',
    '1:6: parse error: expected type scalar in aggregation parameter, got instant vector',
    'foo',
  ],
  ['topk("1", foo)', '1:6: parse error: expected type scalar in aggregation parameter, got string', '"1"'],
  [
    'topk(foo)',
    '1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1',
    'topk(foo)',
  ],
  [
    'count_values(1, foo)',
    '1:14: parse error: expected type string in aggregation parameter, got scalar',
    '1',
  ],
  [
    'quantile(0.5)',
    '1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1',
    'quantile(0.5)',
  ],
  ['sum(1)', '1:5: parse error: expected type instant vector in aggregation expression, got scalar', '1'],
  ['sum by', '1:7: parse error: unexpected end of input in grouping opts, expected "("', ''],
  ['sum by (', '1:9: parse error: unclosed left parenthesis', ''],
  ['sum by (5) (foo)', '1:9: parse error: unexpected number "5" in grouping opts, expected label', '5'],
  [
    'sum by (a b, c) (foo)',
    '1:11: parse error: unexpected identifier "b" in grouping opts, expected "," or ")"',
    'b',
  ],
  ['sum by ("") (foo)', '1:9: parse error: invalid label name for grouping: ""', '""'],
  ['sum by ("\\xff") (foo)', '1:9: parse error: invalid label name for grouping: "\\xff"', '"\\xff"'],
  ['sum by (a) foo', '1:12: parse error: unexpected identifier "foo" in aggregation', 'foo'],
  ['sum(foo', '1:8: parse error: unclosed left parenthesis', ''],
  ['sum(foo,)', '1:8: parse error: trailing commas not allowed in function call args', ','],
  ['sum(rate(foo bar))', '1:14: parse error: unexpected identifier "bar" in aggregation', 'bar'],
  ['(sum(foo bar) * 2', '1:10: parse error: unexpected identifier "bar" in aggregation', 'bar'],
  ['foo(1, 2', '1:9: parse error: unclosed left parenthesis', ''],
  ['foo{a="b", 5}', "1:12: parse error: unexpected character inside braces: '5'", '5}'],
  [
    '{"a" "b"}',
    '1:6: parse error: unexpected string "\\"b\\"" in label matching, expected "," or "}"',
    '"b"',
  ],
  ['{a!b}', "1:3: parse error: unexpected character after '!' inside braces: 'b'", '!b}'],
  ['{a="b",="c"}', '1:8: parse error: unexpected "=" in label matching, expected identifier or "}"', '='],
  ['foo(,)', '1:5: parse error: unexpected ","', ','],
  ['()', '1:2: parse error: unexpected ")"', ')'],
  ['foo bar baz $', '1:5: parse error: unexpected identifier "bar"', 'bar'],
  ['foo + + * bar', '1:9: parse error: unexpected <op:*>', '*'],
  ['foo = bar = baz', '1:5: parse error: unexpected "="', '='],
  [
    'rate(foo[1m]) + nosuch(bar) + nosuch2()',
    '1:17: parse error: unknown function with name "nosuch"',
    'nosuch',
  ],
  [
    'foo offset 1m offset 2m offset 3m',
    '1:1: parse error: offset may not be set multiple times',
    'foo offset 1m',
  ],
  ['1_', '1:1: parse error: bad number or duration syntax: "1_"', '1_'],
  ['1_000_.5', '1:1: parse error: bad number or duration syntax: "1_000_."', '1_000_.5'],
  ['0b1', '1:1: parse error: bad number or duration syntax: "0"', '0b1'],
  ['0o17', '1:1: parse error: bad number or duration syntax: "0"', '0o17'],
  ['1e', '1:1: parse error: bad number or duration syntax: "1e"', '1e'],
  ['0x1.8', '1:1: parse error: bad number or duration syntax: "0x1."', '0x1.8'],
  ['5mm', '1:1: parse error: bad number or duration syntax: "5mm"', '5mm'],
  [
    '99999999999999999999999s',
    '1:1: parse error: not a valid duration string: "99999999999999999999999s"',
    '99999999999999999999999s',
  ],
]

describe('complaints', () => {
  test.each(complaints)('%j: %s', (written, message, about) => {
    const error = complaintAbout(written)
    expect(error.message).toBe(message)
    expect(error.type).toBe('bad_data')
    const span = error.span!
    const text = written.slice(span.from, span.to)
    // An error of the lexer reaches to the end of the text.
    if (about !== undefined) expect(text.startsWith(about) && (about !== '' || text === '')).toBe(true)
  })
})

/** All complaints of those who have several, without "parse error". */
const several: [string, string[]][] = [
  [
    'foo and on(a) group_left(b) bar',
    ['1:1: no grouping allowed for "and" operation', '1:1: set operations must always be many-to-many'],
  ],
  [
    'foo * on(a) group_left [5m] bar',
    ['1:24: unexpected "[" in grouping opts, expected "("', '1:27: unexpected "]"'],
  ],
  ['foo[5m / 0]', ['1:8: division by zero', '1:1: duration must be greater than 0']],
  ['foo[5m % 0s]', ['1:8: modulo by zero', '1:1: duration must be greater than 0']],
  ['foo[300y]', ['1:5: duration out of range', '1:5: duration must be greater than 0']],
  ['foo[1.5h]', ['1:5: unknown unit "." in duration "1.5h"', '1:5: duration must be greater than 0']],
  [
    'foo[step(]',
    [
      '1:10: unexpected "]" in subquery or range selector, expected number, duration, step(), or range()',
      '1:11: unclosed left parenthesis',
    ],
  ],
  [
    'rate(foo)[5m] @ 1',
    ['1:10: ranges only allowed for vector selectors', '1:1: ranges only allowed for vector selectors'],
  ],
  [
    'info(foo, 1)',
    [
      '1:1: expected type instant vector in call to function "info", got scalar',
      '1:11: expected label selectors only',
      '1:11: expected type instant vector in call to function "info", got scalar',
    ],
  ],
  [
    'sum by (a) foo',
    [
      '1:12: unexpected identifier "foo" in aggregation',
      '1:1: no arguments for aggregate expression provided',
    ],
  ],
  ['sum(foo', ['1:8: unclosed left parenthesis', '1:1: no arguments for aggregate expression provided']],
  [
    'sum(rate(foo bar))',
    [
      '1:14: unexpected identifier "bar" in aggregation',
      '1:1: no arguments for aggregate expression provided',
    ],
  ],
  [
    '(sum(foo bar) * 2',
    [
      '1:10: unexpected identifier "bar" in aggregation',
      '1:2: no arguments for aggregate expression provided',
      '1:18: unclosed left parenthesis',
    ],
  ],
  ['foo bar baz $', ['1:5: unexpected identifier "bar"', "1:13: unexpected character: '$'"]],
  [
    'rate(foo[1m]) + nosuch(bar) + nosuch2()',
    ['1:17: unknown function with name "nosuch"', '1:31: unknown function with name "nosuch2"'],
  ],
  [
    'foo offset 1m offset 2m offset 3m',
    ['1:1: offset may not be set multiple times', '1:1: offset may not be set multiple times'],
  ],
]

test.each(several)('%s has several faults', (written, messages) => {
  const found = problemsIn(written).map(({ message }) => message.replace(' parse error:', ''))
  expect(found).toEqual(messages)
})

test('of a text full of faults the first hundred are told', () => {
  expect(problemsIn(`label_join(${'nosuch(), '.repeat(100_000)}1)`)).toHaveLength(100)
})

test('what can be read has no fault', () => {
  expect(problemsIn('sum(foo)')).toEqual([])
})

const restricted: [keyof ParserOptions, string, string][] = [
  [
    'experimentalFunctions',
    'mad_over_time(foo[5m])',
    '1:1: parse error: function "mad_over_time" is not enabled',
  ],
  ['experimentalFunctions', 'foo > step()', '1:7: parse error: function "step" is not enabled'],
  [
    'experimentalFunctions',
    'limitk(1, foo)',
    '1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions',
  ],
  [
    'extendedRangeSelectors',
    'foo[5m] anchored',
    '1:1: parse error: anchored modifier is experimental and not enabled',
  ],
  [
    'extendedRangeSelectors',
    'foo smoothed',
    '1:1: parse error: smoothed modifier is experimental and not enabled',
  ],
  [
    'binopFill',
    '1 + foo + fill(0) bar',
    '1:1: parse error: binop fill modifiers are experimental and not enabled',
  ],
]

test.each(restricted)('without %s %s is refused', (option, written, message) => {
  expect(parse(written)).toBeDefined()
  expect(() => parse(written, { [option]: false })).toThrow(expect.objectContaining({ message }))
})

/** Ways to make a short text deep. */
const deep = 100_000
const nested: [string, number][] = [
  ['('.repeat(deep) + '1' + ')'.repeat(deep), 500],
  ['-'.repeat(deep) + 'foo', 500],
  ['1' + '+1'.repeat(deep), 1000],
  ['1' + '^1'.repeat(deep), 500],
  ['sum('.repeat(deep) + 'foo' + ')'.repeat(deep), 500],
  ['foo' + '[1m:]'.repeat(deep), 1000],
  ['foo[' + '('.repeat(deep) + '1' + ')'.repeat(deep) + ']', 500],
  ['foo[1' + '+1'.repeat(deep) + ']', 500],
  ['foo offset ' + '-'.repeat(deep) + '1', 500],
]

test.each(nested)('an expression nested too deeply is refused: %.10s…', (written, levels) => {
  expect(complaintAbout(written).message).toMatch(
    new RegExp(`parse error: (expression|duration) is nested more than ${levels} levels deep$`),
  )
})

test('an expression that is nested deeply is read', () => {
  const chain = '1' + ' + 1'.repeat(900)
  expect(print(parse(chain))).toBe(chain)
  const parens = '('.repeat(400) + '1' + ')'.repeat(400)
  expect(print(parse(parens))).toBe(parens)
})

test('an expression that is too long is refused', () => {
  const written = 'a'.repeat(10_000_000)
  const message = 'parse error: expression is longer than 1048576 characters'
  expect(complaintAbout(written).message).toBe(`1:1: ${message}`)
})

test('a duration that is no number is refused, of which Prometheus makes an arbitrary one', () => {
  expect(complaintAbout('foo offset NaN').message).toBe('1:12: parse error: duration out of range')
})

function complaintAbout(text: string): QueryError {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof QueryError) return error
    throw error
  }
  throw new Error(`${text} was read`)
}

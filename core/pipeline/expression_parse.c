/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/expression_parse.c: from text to steps: words, units, precedence.
 *
 *   or < and < not < comparison < + - < * / < - in front < ( )
 */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "pipeline/expression_steps.h"
#include "pipeline/place.h"

/* ---- Words. */

typedef enum token_kind {
  TOKEN_END = 0,
  TOKEN_NUMBER,
  TOKEN_NAME,
  TOKEN_OPEN,
  TOKEN_CLOSE,
  TOKEN_OPERATOR /* OPERATION says which; "-" is ADZE_STEP_SUBTRACT */
} token_kind;

typedef struct parser {
  const char *text;
  size_t at; /* byte behind the token */
  const adze_document *document;
  const adze_value *place;
  adze_expression *made;
  size_t depth; /* of parentheses and signs */
  /* The token that comes next. */
  token_kind kind;
  size_t start, size; /* its bytes */
  adze_step_kind operation;
  adze_reading value;
  size_t name_size; /* of a name, the part in front of the dot; 0: no dot */
} parser;

static size_t
character_number (const parser *p, size_t byte)
{
  size_t number = 1;
  for (size_t i = 0; i < byte; i++)
    number += ((unsigned char)p->text[i] & 0xc0u) != 0x80u;
  return number;
}

static adze_error *
complain_at_character (const parser *p, size_t character, const char *what)
{
  if (p->document && p->place) {
    adze_value place = adze_place_inside (p->document, p->place, character);
    return adze_document_error (p->document, &place, "%s", what);
  }
  adze_error *error
      = adze_error_new (ADZE_E_PARAM, "\"%s\", at character %zu: %s", p->text, character, what);
  adze_error_setf (error, "character", "%zu", character);
  return error;
}

ADZE_MUST_CHECK ADZE_PRINTF (3, 4)
static adze_error *
complain (const parser *p, size_t byte, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *what = adze_text_vformat (format, arguments);
  va_end (arguments);
  return what ? complain_at_character (p, character_number (p, byte), what) : adze_error_memory ();
}

static bool
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

static bool
is_letter (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
in_word (char c)
{
  return is_letter (c) || is_digit (c) || c == '-';
}

static size_t
word_size (const char *text)
{
  size_t size = 0;
  while (in_word (text[size]))
    size++;
  return size;
}

/* Words that are no names and no units. */
static bool
is_keyword (const char *word, size_t size)
{
  static const char *const keywords[] = { "and", "or", "not", "true", "false" };
  for (size_t i = 0; i < ADZE_COUNT_OF (keywords); i++)
    if (strlen (keywords[i]) == size && memcmp (keywords[i], word, size) == 0)
      return true;
  return false;
}

static adze_error *
unknown_unit (const parser *p, size_t byte, size_t size)
{
  ADZE_AUTO_FREE char *word = strndup (p->text + byte, size);
  if (!word)
    return adze_error_memory ();
  const char *meant = adze_unit_nearest (word);
  return meant ? complain (p, byte, "'%s' is no unit; did you mean '%s'?", word, meant)
               : complain (p, byte, "'%s' is no unit; units are " ADZE_ALL_UNITS, word);
}

static adze_error *
take_number (parser *p)
{
  p->kind = TOKEN_NUMBER;
  p->value = (adze_reading){ 0 };
  size_t size = adze_number_size (p->text + p->at);
  ADZE_TRY (adze_number_read (p->text + p->at, size, &p->value.number));
  if (!isfinite (p->value.number))
    return complain (p, p->at, "this is too large a number");
  p->at += size;
  size_t blanks = strspn (p->text + p->at, " \t");
  const char *unit = p->text + p->at + blanks;
  if (*unit == '%') {
    p->value.number /= 100;
    p->at += blanks + 1;
    return NULL;
  }
  size_t length = is_letter (*unit) ? word_size (unit) : 0;
  if (length == 0 || is_keyword (unit, length))
    return NULL;
  if (!adze_unit_apply (unit, length, &p->value))
    return unknown_unit (p, p->at + blanks, length);
  p->at += blanks + length;
  if (!isfinite (p->value.number))
    return complain (p, p->start, "this is too large a number");
  return NULL;
}

/* "zeros-0.1": the hyphen was taken as a part of the name. */
static adze_error *
minus_in_name (const parser *p)
{
  return complain (p, p->start, "a minus needs a blank on both sides: '-' can be a part of a name");
}

static adze_error *
take_word (parser *p)
{
  const char *word = p->text + p->at;
  size_t size = word_size (word);
  p->kind = TOKEN_NAME;
  p->name_size = 0;
  p->at += size;
  if (word[size] != '.') {
    bool truth = strncmp (word, "true", size) == 0 && size == 4;
    if (truth || (strncmp (word, "false", size) == 0 && size == 5)) {
      p->kind = TOKEN_NUMBER;
      p->value = (adze_reading){ ADZE_QUANTITY_TRUTH, truth };
    } else if (is_keyword (word, size)) {
      p->kind = TOKEN_OPERATOR;
      p->operation = word[0] == 'a' ? ADZE_STEP_AND : word[0] == 'o' ? ADZE_STEP_OR : ADZE_STEP_NOT;
    }
    return NULL;
  }
  p->name_size = size;
  size_t second = word_size (word + size + 1);
  if (is_digit (word[size + 1]) && memchr (word, '-', size))
    return minus_in_name (p);
  if (second == 0 || !is_letter (word[size + 1]))
    return complain (p, p->at, "behind the '.' comes the name of a metric, as in ID.NAME");
  p->at += 1 + second;
  if (p->text[p->at] == '.' && memchr (word + size + 1, '-', second))
    return minus_in_name (p);
  if (p->text[p->at] == '.')
    return complain (p, p->at, "a name has at most one '.' in it: ID.NAME");
  return NULL;
}

static adze_error *
take_operator (parser *p)
{
  static const struct {
    const char *text;
    adze_step_kind operation;
  } operators[] = {
    { "<=", ADZE_STEP_LESS_EQUAL }, { ">=", ADZE_STEP_GREATER_EQUAL }, { "==", ADZE_STEP_EQUAL },
    { "!=", ADZE_STEP_UNEQUAL },    { "<", ADZE_STEP_LESS },           { ">", ADZE_STEP_GREATER },
    { "+", ADZE_STEP_ADD },         { "-", ADZE_STEP_SUBTRACT },       { "*", ADZE_STEP_MULTIPLY },
    { "/", ADZE_STEP_DIVIDE },
  };
  static const struct {
    const char *text, *instead;
  } foreign[] = { { "=>", ">=" }, { "=<", "<=" }, { "=", "==" },  { "&&", "and" },
                  { "||", "or" }, { "!", "not" }, { "&", "and" }, { "|", "or" } };
  const char *text = p->text + p->at;
  p->kind = TOKEN_OPERATOR;
  for (size_t i = 0; i < ADZE_COUNT_OF (operators); i++)
    if (strncmp (text, operators[i].text, strlen (operators[i].text)) == 0) {
      p->operation = operators[i].operation;
      p->at += strlen (operators[i].text);
      return NULL;
    }
  for (size_t i = 0; i < ADZE_COUNT_OF (foreign); i++)
    if (strncmp (text, foreign[i].text, strlen (foreign[i].text)) == 0)
      return complain (p, p->at, "'%s' is written '%s' here", foreign[i].text, foreign[i].instead);
  if (*text == '.' && is_digit (text[1]))
    return complain (p, p->at, "a number needs a digit in front of the point");
  uint32_t code;
  size_t size = adze_utf8_read (text, strlen (text), &code);
  return complain (p, p->at, "'%.*s' has no meaning in an expression", (int)size, text);
}

static adze_error *
advance (parser *p)
{
  p->at += strspn (p->text + p->at, " \t\r\n");
  p->start = p->at;
  char c = p->text[p->at];
  adze_error *error = NULL;
  if (c == '\0') {
    p->kind = TOKEN_END;
  } else if (c == '(' || c == ')') {
    p->kind = c == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
    p->at++;
  } else if (is_digit (c)) {
    error = take_number (p);
  } else {
    error = is_letter (c) ? take_word (p) : take_operator (p);
  }
  p->size = p->at - p->start;
  return error;
}

/* ---- Steps. */

static adze_error *
add_step (parser *p, adze_step step)
{
  adze_expression *made = p->made;
  if (made->count == made->capacity) {
    size_t capacity = made->capacity ? made->capacity * 2 : 8;
    adze_step *grown = realloc (made->steps, capacity * sizeof *grown);
    if (!grown) {
      free (step.stage);
      free (step.name);
      return adze_error_memory ();
    }
    made->steps = grown;
    made->capacity = capacity;
  }
  made->steps[made->count++] = step;
  return NULL;
}

static adze_error *
add_name (parser *p)
{
  const char *word = p->text + p->start;
  size_t skipped = p->name_size ? p->name_size + 1 : 0;
  adze_step step = { .kind = ADZE_STEP_NAME, .character = character_number (p, p->start) };
  step.stage = p->name_size ? strndup (word, p->name_size) : NULL;
  step.name = strndup (word + skipped, p->size - skipped);
  if (!step.name || (p->name_size && !step.stage)) {
    free (step.stage);
    free (step.name);
    return adze_error_memory ();
  }
  return add_step (p, step);
}

static adze_error *read_binary (parser *p, int level);

static adze_error *
deeper (parser *p)
{
  if (++p->depth < ADZE_EXPRESSION_DEPTH_MAX / 2)
    return NULL;
  return complain (p, p->start, "this stands more than %d deep in parentheses and signs",
                   ADZE_EXPRESSION_DEPTH_MAX / 2);
}

static adze_error *
read_parentheses (parser *p)
{
  size_t opened = p->start;
  ADZE_TRY (deeper (p));
  ADZE_TRY (advance (p));
  ADZE_TRY (read_binary (p, 0));
  if (p->kind != TOKEN_CLOSE)
    return p->kind == TOKEN_END
               ? complain (p, opened, "this '(' is not closed by a ')'")
               : complain (p, p->start, "a ')' or an operator is missing in front of this");
  p->depth--;
  return advance (p);
}

static adze_error *
read_operand (parser *p)
{
  if (p->kind == TOKEN_OPEN)
    return read_parentheses (p);
  if (p->kind == TOKEN_END)
    return complain (p, p->start, "here the expression ends, and a number or a name is missing");
  if (p->kind == TOKEN_NAME) {
    ADZE_TRY (add_name (p));
    return advance (p);
  }
  if (p->kind != TOKEN_NUMBER)
    return complain (p, p->start, "'%.*s' stands where a number or a name is needed", (int)p->size,
                     p->text + p->start);
  ADZE_TRY (add_step (p, (adze_step){ .kind = ADZE_STEP_VALUE,
                                      .character = character_number (p, p->start),
                                      .value = p->value }));
  return advance (p);
}

/* "not" binds less than comparisons do, and a minus in front more than everything. */
static adze_error *
read_prefixed (parser *p, adze_step_kind operation, int level)
{
  size_t character = character_number (p, p->start);
  ADZE_TRY (deeper (p));
  ADZE_TRY (advance (p));
  ADZE_TRY (read_binary (p, level));
  p->depth--;
  return add_step (
      p, (adze_step){ .kind = operation == ADZE_STEP_NOT ? ADZE_STEP_NOT : ADZE_STEP_NEGATE,
                      .character = character });
}

enum { LEVEL_OR, LEVEL_AND, LEVEL_NOT, LEVEL_COMPARE, LEVEL_ADD, LEVEL_MULTIPLY, LEVEL_SIGN };

static int
level_of (adze_step_kind operation)
{
  switch (operation) {
  case ADZE_STEP_OR:
    return LEVEL_OR;
  case ADZE_STEP_AND:
    return LEVEL_AND;
  case ADZE_STEP_NOT:
    return LEVEL_NOT;
  case ADZE_STEP_ADD:
  case ADZE_STEP_SUBTRACT:
    return LEVEL_ADD;
  case ADZE_STEP_MULTIPLY:
  case ADZE_STEP_DIVIDE:
    return LEVEL_MULTIPLY;
  default:
    return LEVEL_COMPARE;
  }
}

/* What binds at least as much as LEVEL says. */
static adze_error *
read_binary (parser *p, int level)
{
  bool prefix = p->kind == TOKEN_OPERATOR;
  if (prefix && p->operation == ADZE_STEP_NOT && level <= LEVEL_NOT)
    ADZE_TRY (read_prefixed (p, ADZE_STEP_NOT, LEVEL_NOT));
  else if (prefix && p->operation == ADZE_STEP_SUBTRACT)
    ADZE_TRY (read_prefixed (p, ADZE_STEP_SUBTRACT, LEVEL_SIGN));
  else
    ADZE_TRY (read_operand (p));
  bool compared = false;
  while (p->kind == TOKEN_OPERATOR && p->operation != ADZE_STEP_NOT
         && level_of (p->operation) >= level) {
    adze_step step = { .kind = p->operation, .character = character_number (p, p->start) };
    int own = level_of (step.kind);
    if (own == LEVEL_COMPARE && compared)
      return complain (p, p->start, "comparisons do not chain; join two of them by \"and\"");
    compared = compared || own == LEVEL_COMPARE;
    if (own < LEVEL_COMPARE)
      compared = false;
    ADZE_TRY (advance (p));
    ADZE_TRY (read_binary (p, own + 1));
    ADZE_TRY (add_step (p, step));
  }
  return NULL;
}

/* ---- What can be known before there are any metrics: 20 MB and 3 ms do not go together. */

/* A name fits with everything; it is taken as what its neighbour is, by leaving out what it is a
 * part of. */
static adze_error *
check_quantities (const parser *p)
{
  adze_reading stack[ADZE_EXPRESSION_DEPTH_MAX];
  bool known[ADZE_EXPRESSION_DEPTH_MAX];
  size_t depth = 0;
  for (size_t i = 0; i < p->made->count; i++) {
    const adze_step *step = &p->made->steps[i];
    size_t operands = step->kind == ADZE_STEP_VALUE || step->kind == ADZE_STEP_NAME ? 0
                      : adze_step_is_unary (step)                                   ? 1
                                                                                    : 2;
    bool all = step->kind != ADZE_STEP_NAME;
    if (operands == 0 && depth == ADZE_EXPRESSION_DEPTH_MAX)
      return complain_at_character (p, step->character,
                                    "this is too deep inside of the expression");
    for (size_t j = 0; j < operands; j++)
      all = all && known[depth - 1 - j];
    if (all) {
      ADZE_AUTO_ERROR error = adze_step_apply (step, stack, &depth);
      if (error && adze_error_status (error) == ADZE_E_MEMORY)
        return adze_take (&error);
      if (error)
        return complain_at_character (p, step->character, adze_error_message (error));
    } else {
      depth = depth + 1 - operands;
      /* What a comparison gives is a truth whatever was compared. */
      stack[depth - 1] = (adze_reading){ ADZE_QUANTITY_TRUTH, 0 };
    }
    known[depth - 1] = all || adze_step_gives_truth (step);
  }
  return NULL;
}

static void
cleanup_expression (adze_expression **expression)
{
  adze_expression_free (*expression);
}

static adze_error *
read_all (parser *p)
{
  ADZE_TRY (advance (p));
  if (p->kind == TOKEN_END)
    return complain (p, 0, "the expression is empty");
  ADZE_TRY (read_binary (p, LEVEL_OR));
  if (p->kind == TOKEN_CLOSE)
    return complain (p, p->start, "this ')' closes nothing");
  if (p->kind != TOKEN_END)
    return complain (p, p->start, "an operator such as \"and\" is missing in front of this");
  return check_quantities (p);
}

adze_error *
adze_expression_parse (const char *text, const adze_document *document, const adze_value *at,
                       adze_expression **expression)
{
  *expression = NULL;
  parser p = { .text = text, .document = document, .place = at };
  if (strnlen (text, ADZE_EXPRESSION_MAX + 1) > ADZE_EXPRESSION_MAX) {
    p.text = "...";
    return complain (&p, 0, "the expression is longer than %d bytes", ADZE_EXPRESSION_MAX);
  }
  __attribute__ ((cleanup (cleanup_expression))) adze_expression *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  made->text = strdup (text);
  if (!made->text)
    return adze_error_memory ();
  p.made = made;
  ADZE_TRY (read_all (&p));
  *expression = adze_take (&made);
  return NULL;
}

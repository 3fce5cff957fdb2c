#include "CSimdJSON.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <simdjson.h>
#include <string>

using Indexer = simdjson::internal::dom_parser_implementation;

/// The steps of the second stage are called from one loop each: worth a fifth of its time.
#define INLINE [[gnu::always_inline]] inline

namespace {

/// The smallest buffers, so that a stream of ordinary events never reallocates.
constexpr size_t kMinimumCapacity = 16 * 1024;
/// Objects up to this size are searched for duplicates without sorting.
constexpr uint32_t kSmallObject = 24;

/// An object or array that is still open.
struct Frame {
  uint32_t node;
  uint32_t children;
};

inline uint64_t load(const uint8_t *at, size_t count) {
  uint64_t value = 0;
  std::memcpy(&value, at, count);
  return value;
}

inline uint32_t hash_of(const uint8_t *text, size_t length) {
  uint64_t head, tail;
  if (length >= 8) {
    head = load(text, 8);
    tail = load(text + length - 8, 8);
  } else if (length >= 4) {
    head = load(text, 4);
    tail = load(text + length - 4, 4);
  } else {
    head = length > 0 ? text[0] : 0;
    tail = length > 0 ? uint64_t(text[length / 2]) << 8 | text[length - 1] : 0;
  }
  uint64_t mixed = (head ^ (length * 0x9E3779B97F4A7C15ull)) * 0xD6E8FEB86659FD93ull;
  mixed ^= mixed >> 32;
  mixed = (mixed ^ tail) * 0xA0761D6478BD642Full;
  return uint32_t(mixed >> 32);
}

inline bool is_space(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
inline bool is_digit(uint8_t c) { return uint8_t(c - '0') <= 9; }

/// The four hexadecimal digits at `at`, or -1.
inline int32_t hex4(const uint8_t *at) {
  int32_t value = 0;
  for (int i = 0; i < 4; i++) {
    uint8_t c = at[i];
    int32_t digit = is_digit(c)              ? c - '0'
                    : (c >= 'a' && c <= 'f') ? c - 'a' + 10
                    : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
}

inline uint8_t *put_utf8(uint8_t *out, uint32_t c) {
  if (c < 0x80) {
    *out++ = uint8_t(c);
  } else if (c < 0x800) {
    *out++ = uint8_t(0xC0 | c >> 6);
    *out++ = uint8_t(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    *out++ = uint8_t(0xE0 | c >> 12);
    *out++ = uint8_t(0x80 | (c >> 6 & 0x3F));
    *out++ = uint8_t(0x80 | (c & 0x3F));
  } else {
    *out++ = uint8_t(0xF0 | c >> 18);
    *out++ = uint8_t(0x80 | (c >> 12 & 0x3F));
    *out++ = uint8_t(0x80 | (c >> 6 & 0x3F));
    *out++ = uint8_t(0x80 | (c & 0x3F));
  }
  return out;
}

/// Reads `\uXXXX`, or a surrogate pair, at the backslash `*in`; -1 where it is malformed.
int32_t unescape_code_point(const uint8_t *&in, const uint8_t *end) {
  if (end - in < 6) return -1;
  int32_t first = hex4(in + 2);
  in += 6;
  if (first < 0 || first < 0xD800 || first > 0xDFFF) return first;
  if (first >= 0xDC00 || end - in < 6 || in[0] != '\\' || in[1] != 'u') return -1;
  int32_t second = hex4(in + 2);
  if (second < 0xDC00 || second > 0xDFFF) return -1;
  in += 6;
  return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

/// Copies `[in, end)` without its escapes; the result is never longer. Null where one is malformed.
uint8_t *unescape(const uint8_t *in, const uint8_t *end, uint8_t *out) {
  while (in < end) {
    const void *found = std::memchr(in, '\\', size_t(end - in));
    const uint8_t *stop = found ? static_cast<const uint8_t *>(found) : end;
    std::memcpy(out, in, size_t(stop - in));
    out += stop - in;
    in = stop;
    if (in == end) break;
    if (end - in < 2) return nullptr;
    uint8_t plain;
    switch (in[1]) {
      case '"': plain = '"'; break;
      case '\\': plain = '\\'; break;
      case '/': plain = '/'; break;
      case 'b': plain = '\b'; break;
      case 'f': plain = '\f'; break;
      case 'n': plain = '\n'; break;
      case 'r': plain = '\r'; break;
      case 't': plain = '\t'; break;
      case 'u': {
        int32_t code = unescape_code_point(in, end);
        if (code < 0) return nullptr;
        out = put_utf8(out, uint32_t(code));
        continue;
      }
      default: return nullptr;
    }
    *out++ = plain;
    in += 2;
  }
  return out;
}

/// Whether `[at, end)` is a JSON number; sets `integer` where it has no fraction or exponent.
bool is_number(const uint8_t *at, const uint8_t *end, bool &integer) {
  integer = true;
  if (at < end && *at == '-') at++;
  if (at == end || !is_digit(*at)) return false;
  if (*at++ != '0') {
    while (at < end && is_digit(*at)) at++;
  }
  if (at < end && *at == '.') {
    integer = false;
    const uint8_t *first = ++at;
    while (at < end && is_digit(*at)) at++;
    if (at == first) return false;
  }
  if (at < end && (*at | 0x20) == 'e') {
    integer = false;
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    const uint8_t *first = at;
    while (at < end && is_digit(*at)) at++;
    if (at == first) return false;
  }
  return at == end;
}

int error_of(simdjson::error_code code) {
  switch (code) {
    case simdjson::UTF8_ERROR: return CSJ_INVALID_UTF8;
    case simdjson::UNCLOSED_STRING: return CSJ_UNCLOSED_STRING;
    case simdjson::UNESCAPED_CHARS: return CSJ_CONTROL_CHARACTER;
    case simdjson::EMPTY: return CSJ_EMPTY;
    case simdjson::CAPACITY:
    case simdjson::MEMALLOC: return CSJ_NO_MEMORY;
    default: return CSJ_SYNTAX;
  }
}

}  // namespace

struct csj_parser {
  std::unique_ptr<Indexer> indexer;
  std::unique_ptr<csj_node[]> nodes;
  /// Room for the unescaped strings of one document.
  std::unique_ptr<uint8_t[]> strings;
  std::unique_ptr<Frame[]> frames;
  /// Key nodes of one large object, for sorting.
  std::unique_ptr<uint32_t[]> keys;
  size_t capacity = 0;
  size_t node_capacity = 0;
  uint32_t max_depth = 0;
  uint32_t node_count = 0;
  size_t error_offset = 0;

  int grow(size_t length) {
    size_t wanted = std::max(kMinimumCapacity, length + length / 2);
    if (indexer->allocate(wanted, max_depth) != simdjson::SUCCESS) return CSJ_NO_MEMORY;
    strings.reset(new (std::nothrow) uint8_t[wanted]);
    capacity = strings ? wanted : 0;
    return strings ? CSJ_OK : CSJ_NO_MEMORY;
  }

  int grow_nodes(size_t count) {
    size_t wanted = std::max(kMinimumCapacity / 8, count + count / 2);
    nodes.reset(new (std::nothrow) csj_node[wanted]);
    keys.reset(new (std::nothrow) uint32_t[wanted]);
    node_capacity = nodes && keys ? wanted : 0;
    return node_capacity ? CSJ_OK : CSJ_NO_MEMORY;
  }

  bool has_duplicates(uint32_t object);
  bool has_duplicates_sorted(uint32_t object);
};

bool csj_parser::has_duplicates(uint32_t object) {
  uint32_t members = nodes[object].detail;
  if (members < 2) return false;
  // Equal keys have equal hashes: mostly no bit of this set is met twice.
  uint64_t seen = 0;
  bool doubtful = false;
  for (uint32_t i = 0, key = object + 1; i < members; i++, key = nodes[key + 1].next) {
    uint64_t bit = 1ull << (nodes[key].detail & 63);
    doubtful |= (seen & bit) != 0;
    seen |= bit;
  }
  if (!doubtful) return false;
  if (members > kSmallObject) return has_duplicates_sorted(object);
  uint32_t small[kSmallObject];
  for (uint32_t i = 0, key = object + 1; i < members; i++, key = nodes[key + 1].next) {
    for (uint32_t j = 0; j < i; j++) {
      const csj_node &a = nodes[small[j]], &b = nodes[key];
      if (a.detail == b.detail && a.length == b.length &&
          std::memcmp(a.text, b.text, a.length) == 0) {
        return true;
      }
    }
    small[i] = key;
  }
  return false;
}

bool csj_parser::has_duplicates_sorted(uint32_t object) {
  uint32_t members = nodes[object].detail;
  for (uint32_t i = 0, key = object + 1; i < members; i++, key = nodes[key + 1].next) {
    keys[i] = key;
  }
  const csj_node *all = nodes.get();
  auto order = [all](uint32_t a, uint32_t b) {
    if (all[a].detail != all[b].detail) return all[a].detail < all[b].detail ? -1 : 1;
    if (all[a].length != all[b].length) return all[a].length < all[b].length ? -1 : 1;
    return std::memcmp(all[a].text, all[b].text, all[a].length);
  };
  std::sort(keys.get(), keys.get() + members,
            [&](uint32_t a, uint32_t b) { return order(a, b) < 0; });
  for (uint32_t i = 1; i < members; i++) {
    if (order(keys[i - 1], keys[i]) == 0) return true;
  }
  return false;
}

/// Second stage: checks the grammar over the structural characters and writes the nodes. Each
/// structural character opens at most one node, and the bytes between a scalar's first character
/// and the next structural character belong to it alone, apart from white space at the end.
struct Builder {
  csj_parser &parser;
  const uint8_t *bytes;
  size_t length;
  const uint32_t *index;
  uint32_t total;
  csj_node *nodes;
  /// Where the next unescaped string goes.
  uint8_t *arena;
  /// The structural character at hand, and the nodes so far.
  uint32_t at = 0, count = 0;

  Builder(csj_parser &p, const uint8_t *bytes, size_t length)
      : parser(p), bytes(bytes), length(length), index(p.indexer->structural_indexes.get()),
        total(p.indexer->n_structural_indexes), nodes(p.nodes.get()), arena(p.strings.get()) {}

  int fail(int error) {
    parser.error_offset = at < total ? index[at] : length;
    return error;
  }

  /// The character at hand; 0, which no structural character is, at the end.
  uint8_t here() const { return at < total ? bytes[index[at]] : 0; }

  /// Writes the node of the scalar at hand, which ends before the next structural character.
  csj_node *add(uint32_t kind, const uint8_t *start, const uint8_t *end) {
    csj_node *node = &nodes[count++];
    *node = csj_node{start, uint32_t(end - start), count, 0, kind};
    return node;
  }

  const uint8_t *end_of_scalar(const uint8_t *start) const {
    const uint8_t *end = bytes + (at + 1 < total ? index[at + 1] : length);
    while (end > start && is_space(end[-1])) end--;
    return end;
  }

  INLINE int string(uint32_t kind) {
    const uint8_t *start = bytes + index[at] + 1;
    const uint8_t *end = end_of_scalar(start);
    if (end <= start || end[-1] != '"') return fail(CSJ_UNCLOSED_STRING);
    csj_node *node = add(kind, start, end - 1);
    if (std::memchr(start, '\\', node->length) != nullptr) {
      uint8_t *stop = unescape(start, end - 1, arena);
      if (!stop) return fail(CSJ_BAD_ESCAPE);
      node->text = arena;
      node->length = uint32_t(stop - arena);
      arena = stop;
    }
    if (kind == CSJ_KEY) node->detail = hash_of(node->text, node->length);
    at++;
    return CSJ_OK;
  }

  INLINE int number_or_word() {
    const uint8_t *start = bytes + index[at];
    csj_node *node = add(CSJ_NULL, start, end_of_scalar(start));
    auto is = [node](const char *word, size_t size) {
      return node->length == size && std::memcmp(node->text, word, size) == 0;
    };
    if (*start == '-' || is_digit(*start)) {
      bool integer;
      if (!is_number(start, start + node->length, integer)) return fail(CSJ_BAD_NUMBER);
      node->kind = CSJ_NUMBER;
      node->detail = integer ? 1 : 0;
    } else if (is("true", 4)) {
      node->kind = CSJ_TRUE;
    } else if (is("false", 5)) {
      node->kind = CSJ_FALSE;
    } else if (!is("null", 4)) {
      return fail(CSJ_SYNTAX);
    }
    at++;
    return CSJ_OK;
  }

  /// A key and its colon.
  INLINE int key() {
    if (here() != '"') return fail(CSJ_SYNTAX);
    int error = string(CSJ_KEY);
    if (error != CSJ_OK) return error;
    if (here() != ':') return fail(CSJ_SYNTAX);
    at++;
    return CSJ_OK;
  }

  INLINE int close(const Frame &frame) {
    csj_node *node = &nodes[frame.node];
    node->length = uint32_t(bytes + index[at] + 1 - node->text);
    node->next = count;
    node->detail = frame.children;
    if (node->kind == CSJ_OBJECT && parser.has_duplicates(frame.node)) {
      return fail(CSJ_DUPLICATE_KEY);
    }
    at++;
    return CSJ_OK;
  }

  int document();
};

int Builder::document() {
  Frame *frames = parser.frames.get();
  uint32_t depth = 0;
  int error = CSJ_OK;
  for (;;) {
    // A value stands here. An object or array that is not empty goes on with its first child.
    uint8_t first = here();
    if (first == '{' || first == '[') {
      if (depth == parser.max_depth) return fail(CSJ_TOO_DEEP);
      frames[depth++] = Frame{count, 0};
      const uint8_t *start = bytes + index[at];
      add(first == '{' ? CSJ_OBJECT : CSJ_ARRAY, start, start);
      at++;
      if (here() != first + 2) {
        if (first == '{' && (error = key()) != CSJ_OK) return error;
        continue;
      }
      if ((error = close(frames[--depth])) != CSJ_OK) return error;
    } else {
      if (first == 0) return fail(CSJ_SYNTAX);
      error = first == '"' ? string(CSJ_STRING) : number_or_word();
      if (error != CSJ_OK) return error;
    }
    // A value ended: what holds it goes on or ends as well.
    for (;;) {
      if (depth == 0) {
        if (at != total) return fail(CSJ_SYNTAX);
        parser.node_count = count;
        return CSJ_OK;
      }
      Frame &frame = frames[depth - 1];
      bool in_object = nodes[frame.node].kind == CSJ_OBJECT;
      frame.children++;
      if (here() == ',') {
        at++;
        if (in_object && (error = key()) != CSJ_OK) return error;
        break;
      }
      if (here() != (in_object ? '}' : ']')) return fail(CSJ_SYNTAX);
      if ((error = close(frames[--depth])) != CSJ_OK) return error;
    }
  }
}

extern "C" csj_parser *csj_parser_new(uint32_t max_depth) {
  std::unique_ptr<csj_parser> parser(new (std::nothrow) csj_parser());
  if (!parser) return nullptr;
  parser->max_depth = std::max(1u, max_depth);
  parser->frames.reset(new (std::nothrow) Frame[parser->max_depth]);
  if (!parser->frames) return nullptr;
  auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
      kMinimumCapacity, parser->max_depth, parser->indexer);
  if (error != simdjson::SUCCESS) return nullptr;
  if (parser->grow(0) != CSJ_OK || parser->grow_nodes(0) != CSJ_OK) return nullptr;
  return parser.release();
}

extern "C" void csj_parser_free(csj_parser *parser) { delete parser; }

extern "C" int csj_parse(csj_parser *parser, const uint8_t *bytes, size_t length) {
  parser->node_count = 0;
  parser->error_offset = 0;
  if (length == 0) return CSJ_EMPTY;
  if (length >= UINT32_MAX) return CSJ_NO_MEMORY;
  if (length > parser->capacity) {
    int error = parser->grow(length);
    if (error != CSJ_OK) return error;
  }
  auto code = parser->indexer->stage1(bytes, length, simdjson::stage1_mode::regular);
  if (code != simdjson::SUCCESS) return error_of(code);
  uint32_t total = parser->indexer->n_structural_indexes;
  if (total == 0) return CSJ_EMPTY;
  if (total > parser->node_capacity) {
    int error = parser->grow_nodes(total);
    if (error != CSJ_OK) return error;
  }
  return Builder(*parser, bytes, length).document();
}

extern "C" const csj_node *csj_nodes(const csj_parser *parser) { return parser->nodes.get(); }
extern "C" uint32_t csj_node_count(const csj_parser *parser) { return parser->node_count; }
extern "C" size_t csj_error_offset(const csj_parser *parser) { return parser->error_offset; }
extern "C" uint32_t csj_hash(const uint8_t *text, size_t length) { return hash_of(text, length); }

extern "C" const char *csj_version(void) {
  static const std::string text = std::string(SIMDJSON_STRINGIFY(SIMDJSON_VERSION)) + " " +
                                  simdjson::get_active_implementation()->name();
  return text.c_str();
}

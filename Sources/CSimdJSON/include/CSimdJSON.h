/// A JSON parser for borrowed bytes: simdjson finds the structure and checks UTF-8, this shim
/// builds a flat list of nodes from it.
///
/// Differences from simdjson's own document: numbers stay text, so that no amount of money is ever
/// a double and any size is accepted; a key that occurs twice in one object is an error; strings
/// without escapes point into the input; the input needs no padding. After the buffers have grown
/// to the size of the traffic, a parse allocates nothing.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a node is.
enum csj_kind {
  CSJ_OBJECT = 1,
  CSJ_ARRAY = 2,
  /// The key of a member; the member's value is the node after it.
  CSJ_KEY = 3,
  CSJ_STRING = 4,
  CSJ_NUMBER = 5,
  CSJ_TRUE = 6,
  CSJ_FALSE = 7,
  CSJ_NULL = 8,
};

/// Why bytes are not acceptable JSON.
enum csj_error {
  CSJ_OK = 0,
  CSJ_EMPTY = 1,
  CSJ_INVALID_UTF8 = 2,
  CSJ_UNCLOSED_STRING = 3,
  /// A control character inside a string.
  CSJ_CONTROL_CHARACTER = 4,
  /// An unknown escape, or half of a surrogate pair.
  CSJ_BAD_ESCAPE = 5,
  CSJ_BAD_NUMBER = 6,
  /// Misplaced punctuation, an unknown word, or bytes after the value.
  CSJ_SYNTAX = 7,
  CSJ_TOO_DEEP = 8,
  CSJ_DUPLICATE_KEY = 9,
  CSJ_NO_MEMORY = 10,
};

/// One value or key, in document order.
typedef struct csj_node {
  /// Keys and strings: the unescaped UTF-8. Numbers: the token. Objects and arrays: the source
  /// text. Valid until the next parse, and as long as the input is.
  const uint8_t *text;
  /// Bytes at `text`.
  uint32_t length;
  /// Index of the first node after this one and all it contains.
  uint32_t next;
  /// Objects: members. Arrays: elements. Keys: `csj_hash` of the text. Numbers: 1 where the token
  /// has neither a fraction nor an exponent.
  uint32_t detail;
  /// A `csj_kind`.
  uint32_t kind;
} csj_node;

typedef struct csj_parser csj_parser;

/// A parser that accepts at most `max_depth` nested objects and arrays; NULL without memory. A
/// parser serves one thread at a time.
csj_parser *csj_parser_new(uint32_t max_depth);
void csj_parser_free(csj_parser *parser);

/// Parses one document of at most 4 GiB less one byte.
int csj_parse(csj_parser *parser, const uint8_t *bytes, size_t length);

/// The nodes of the last successful parse; the first one is the whole document.
const csj_node *csj_nodes(const csj_parser *parser);
uint32_t csj_node_count(const csj_parser *parser);

/// The byte of the input at which the last parse failed, where that is known, else 0.
size_t csj_error_offset(const csj_parser *parser);

/// The hash stored in `detail` of keys.
uint32_t csj_hash(const uint8_t *text, size_t length);

/// The linked simdjson and the instruction set it chose, such as `3.0.1 haswell`.
const char *csj_version(void);

#ifdef __cplusplus
}
#endif

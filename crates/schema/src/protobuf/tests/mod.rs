//! What a Protobuf schema is read as, printed as, and refused for.

mod changes;
mod evolutions;
mod hostile;

use super::*;
use crate::Reference;

fn parse(text: &str) -> Result<ProtobufSchema, SchemaError> {
    ProtobufSchema::parse(text, &[], &Limits::default())
}

fn canonical(text: &str) -> String {
    parse(text).expect("it is a schema").canonical()
}

fn problem(text: &str) -> String {
    parse(text).expect_err("it is no schema").to_string()
}

const MANY_SIDED: &str = r#"syntax = "proto3"; package a.b; // the package
import "google/protobuf/timestamp.proto";
import public 'google/type/date.proto';
option java_package = 'x\ty"z';
enum Top { NOTHING = 0; }
/* documents M */
message M {
  string a = 1 [(confluent.field_meta).doc = "d", deprecated = true, json_name = "A"]; // trailing
  reserved 5 to max, "q", 4;
  oneof choice { int32 x = 7; M y = 8; }
  message N {
    enum E { option allow_alias = true; reserved 9; A = 0; B = 0 [deprecated = true]; }
    string z = 1; map < string , E > m = 2; message Empty {}
  }
  .google.protobuf.Timestamp t = 3;
  repeated N n = 2;
}
service S {
  rpc First (stream M) returns (M.N) { option deprecated = true; };
  rpc Second (M) returns (stream M);
}
"#;

#[test]
fn canonical_text_has_confluents_layout() {
    let expected = r#"syntax = "proto3";
package a.b;

import "google/protobuf/timestamp.proto";
import public "google/type/date.proto";

option java_package = "x\ty\"z";

message M {
  reserved 5 to max, "q", 4;

  string a = 1 [
    (confluent.field_meta).doc = "d",
    deprecated = true,
    json_name = "A"
  ];
  .google.protobuf.Timestamp t = 3;
  repeated N n = 2;

  oneof choice {
    int32 x = 7;
    M y = 8;
  }

  message N {
    string z = 1;
    map<string, E> m = 2;
  
    message Empty {}
    enum E {
      reserved 9;
      option allow_alias = true;
      A = 0;
      B = 0 [deprecated = true];
    }
  }
}
enum Top {
  NOTHING = 0;
}

service S {
  rpc First (stream M) returns (M.N) {
    option deprecated = true;
  };
  rpc Second (M) returns (stream M);
}
"#;
    assert_eq!(canonical(MANY_SIDED), expected);
    assert_eq!(canonical(expected), expected, "canonical text stays as it is");
}

#[test]
fn normalized_text_has_full_names_and_a_fixed_order() {
    let schema = parse(MANY_SIDED).expect("it is a schema");
    let normalized = schema.normalized();
    for line in [
        "  reserved 4;\n  reserved 5 to max;\n  reserved \"q\";\n",
        "  string a = 1 [\n    (confluent.field_meta) = {\n      doc: \"d\"\n    },\n    deprecated = true,\n",
        "  repeated .a.b.M.N n = 2;\n  .google.protobuf.Timestamp t = 3;\n",
        "    .a.b.M y = 8;\n",
        "    map<string, .a.b.M.N.E> m = 2;\n",
        "  rpc First (stream .a.b.M) returns (.a.b.M.N) {\n",
    ] {
        assert!(normalized.contains(line), "{line:?} is not in\n{normalized}");
    }
    let again = parse(&normalized).expect("it is a schema");
    assert_eq!(again.normalized(), normalized);
    assert_eq!(again.canonical(), normalized);
}

#[test]
fn what_means_the_same_is_normalized_to_the_same_text() {
    let pairs = [
        (
            "message M { optional string b = 2; optional string a = 1; }",
            "syntax = \"proto2\"; message M { optional string a = 1; optional string b = 2; }",
        ),
        (
            "syntax = \"proto3\"; package p; message M { M m = 1; }",
            "syntax = \"proto3\"; package p; message M { .p.M m = 1; }",
        ),
        (
            "syntax = \"proto3\"; message M { map<string, int32> my_map = 1; }",
            "syntax = \"proto3\"; message M { repeated MyMapEntry my_map = 1; message MyMapEntry \
             { option map_entry = true; string key = 1; int32 value = 2; } }",
        ),
        (
            "option (o).a = 1; option (o).b = 2; message O { optional int32 a = 1; optional int32 \
             b = 2; } extend google.protobuf.FileOptions { optional O o = 5000; }",
            "option (o) = { b: 2, a: 0x1 }; message O { optional int32 a = 1; optional int32 b = \
             2; } extend .google.protobuf.FileOptions { optional O o = 5000; }",
        ),
    ];
    for (one, other) in pairs {
        let normalized = |text| parse(text).expect("it is a schema").normalized();
        assert_eq!(normalized(one), normalized(other));
        assert_ne!(canonical(one), canonical(other));
    }
}

#[test]
fn extensions_and_custom_options_are_left_out_on_request() {
    let text = r#"syntax = "proto2";
option (mine) = true;
option (confluent.file_meta).doc = "d";
message M { extensions 100 to max; optional string a = 1 [(b) = 1]; extend M { optional int32 c = 101; } }
extend M { optional int32 d = 102; }
"#;
    let expected = "syntax = \"proto2\";\n\noption (confluent.file_meta).doc = \"d\";\n\nmessage M {\n  \
                    optional string a = 1;\n}\n";
    assert_eq!(parse(text).expect("it is a schema").formatted("ignore_extensions"), expected);
}

#[test]
fn a_descriptor_says_the_same_as_the_file() {
    let schema = parse(MANY_SIDED).expect("it is a schema");
    let again = parse(&schema.formatted("serialized")).expect("it is a descriptor");
    let without_meta = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("rpc "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let expected = MANY_SIDED.replace("(confluent.field_meta).doc = \"d\", ", "");
    let expected = parse(&expected).expect("it is a schema").normalized();
    assert_eq!(without_meta(&again.normalized()), without_meta(&expected));
}

#[test]
fn names_are_found_in_the_scopes_around_and_in_references() {
    let reference = |direct| Reference {
        name: "other.proto",
        subject: "other",
        version: 1,
        text: "syntax = \"proto3\"; package o.p; message Other { message Inner {} }",
        direct,
    };
    let text = "syntax = \"proto3\"; package o.q; import \"other.proto\"; message M { p.Other a = 1; \
                .o.p.Other.Inner b = 2; message M { M c = 1; } }";
    for direct in [true, false] {
        let schema = ProtobufSchema::parse(text, &[reference(direct)], &Limits::default());
        let normalized = schema.expect("it is a schema").normalized();
        assert!(normalized.contains("  .o.p.Other a = 1;"), "{normalized}");
        assert!(normalized.contains("    .o.q.M.M c = 1;"), "the innermost counts: {normalized}");
    }
    assert_eq!(problem(text), "Could not resolve type: p.Other");
}

#[test]
fn message_indexes_count_messages_beside_each_other() {
    let text = "syntax = \"proto3\"; package p; enum E { A = 0; } message A { message X {} enum F { B = \
                0; } message Y { message Z {} } } message B {}";
    let indexes = parse(text).expect("it is a schema").message_indexes();
    let expected = [
        ("p.A", vec![0]),
        ("p.A.X", vec![0, 0]),
        ("p.A.Y", vec![0, 1]),
        ("p.A.Y.Z", vec![0, 1, 0]),
        ("p.B", vec![1]),
    ];
    assert_eq!(indexes, expected.map(|(name, place)| (name.to_owned(), place)));
}

#[test]
fn problems_are_named_with_their_place() {
    let cases = [
        ("message M { string a = 1; }", ":1:13: unexpected label: string"),
        (
            "syntax = \"proto3\";\nmessage M {\n  required string a = 1;\n}",
            ":3:3: 'required' label",
        ),
        ("syntax = \"proto4\";", ":1:1: unexpected syntax: proto4"),
        ("edition = \"2023\";", "edition is not currently supported"),
        ("package a;\nsyntax = \"proto3\";", "must be the first declaration"),
        ("message M {", "unexpected end of file"),
        ("message M {} message M {}", "M (:1:14) is already defined at :1:1"),
        ("message M { optional int32 a = x; }", "expected an integer but was x"),
        ("message M { optional M a = 1 [default = {a: 1}]; }", "'default' has to be one value"),
        ("enum E { A = 0; /* a */ B = 1; }", "no syntax may follow trailing comment"),
        ("not a schema", ":1:1: unexpected label: not"),
    ];
    for (text, expected) in cases {
        let problem = problem(text);
        assert!(problem.contains(expected), "{text}: {problem}");
        assert!(problem.starts_with("Could not parse Protobuf - "), "{problem}");
    }
}

#[test]
fn imports_are_told_by_the_path_that_they_mean() {
    let paths = [
        ("./a//b.proto", "a/b.proto"),
        (r"a\\b.proto", "a/b.proto"),
        ("../a/../b.proto", "../a/../b.proto"),
        ("/../a.proto", "/a.proto"),
        ("", "."),
    ];
    for (written, meant) in paths {
        let text = format!("import \"{written}\";");
        assert_eq!(canonical(&text), format!("\nimport \"{meant}\";\n"));
    }
}

#[test]
fn text_that_could_not_be_read_again_is_refused() {
    assert!(parse("message M { optional bytes b = 1 [default = 'abc']; }").is_ok());
    for text in
        ["message M { optional bytes b = 1 [default = 'a c']; }", "message M { reserved 'a\"c'; }"]
    {
        assert!(problem(text).starts_with("Could not read again"), "{text}");
    }
    // A file with the one message "M {".
    let bytes = [0x22, 5, 0x0a, 3, b'M', b' ', b'{'];
    let described = super::descriptor::encode_bytes(&bytes);
    assert!(problem(&described).starts_with("Could not read again"));
}

#[test]
fn tags_are_changed_in_confluents_options() {
    let text = "syntax = \"proto3\"; package p; message M { string a = 1; message N { string b = 1 \
                [(confluent.field_meta).tags = \"OLD\"]; oneof o { string c = 2; } } }";
    let limits = Limits::default();
    let tags = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (pii, old, both) = (tags(&["PII"]), tags(&["OLD"]), tags(&["PII", "OLD"]));
    let change = |entity, tags, added| TagChange { entity, tags, added };
    let changes = [
        change(Entity::Message("M"), &pii, true),
        change(Entity::Field(".M.N.b"), &both, true),
        change(Entity::Field("M.N.b"), &old, false),
        change(Entity::Field("M.N.o.c"), &pii, true),
        change(Entity::Field("M.N.c"), &pii, false),
        change(Entity::Field("M.a"), &pii, true),
        change(Entity::Field("M.a"), &both, true),
    ];
    let changed = with_tags(text, &changes, &limits);
    let expected = r#"syntax = "proto3";
package p;

message M {
  option (confluent.message_meta) = {
    tags: [
      "PII"
    ]
  };

  string a = 1 [(confluent.field_meta) = {
    tags: [
      "PII",
      "OLD"
    ]
  }];

  message N {
    string b = 1 [(confluent.field_meta) = {
      tags: [
        "PII"
      ]
    }];
  
    oneof o {
      string c = 2;
    }
  }
}
"#;
    let changed = changed.expect("all of them are there");
    assert_eq!(changed, expected);
    assert_eq!(canonical(&changed), changed);
    for (entity, missing) in [
        (Entity::Message("X"), "No matching Message with name 'X' found in the schema"),
        (Entity::Message("M.N.X"), "No matching Message with name 'X' found in the schema"),
        (Entity::Field("M.x"), "No matching Field with name 'x' found in the schema"),
        (Entity::Field("M.N.x.c"), "No matching Field with name 'c' found in the schema"),
        (Entity::Field("X.a"), "No matching Field with name 'a' found in the schema"),
        (Entity::Field("X.N.a"), "No matching Message with name 'X' found in the schema"),
        (Entity::Field("x"), "No matching Field with name 'x' found in the schema"),
    ] {
        let problem = with_tags(text, &[change(entity, &pii, true)], &limits);
        assert_eq!(problem, Err(SchemaError::Invalid(missing.to_owned())));
    }
    assert_eq!(top_level_fields(text, &limits), Ok(vec!["a".to_owned()]));
}

//! Which logical types Avro 1.12 knows, and on which types it lets them stand.

use super::graph::{Body, Kind, Node, Primitive};
use serde_json::Value;

/// Properties of Java's classes that make a logical type count as none.
const JAVA_PROPERTIES: [&str; 4] =
    ["avro.java.string", "java-class", "java-key-class", "java-element-class"];

/// The name of the logical type of `node`, if it is one that Avro knows and that fits.
pub(super) fn of(node: &Node) -> Option<&str> {
    let name = node.property("logicalType")?.as_str()?;
    let is_java = |name: &&str| node.property(name).is_some_and(Value::is_string);
    if JAVA_PROPERTIES.iter().any(is_java) {
        return None;
    }
    let primitive = match &node.kind {
        Kind::Primitive(primitive) => Some(*primitive),
        _ => None,
    };
    let size = match node.kind.body() {
        Some(Body::Fixed { size }) => Some(*size),
        _ => None,
    };
    let fits = match name {
        "decimal" => {
            (primitive == Some(Primitive::Bytes) || size.is_some()) && is_decimal(node, size)
        }
        "big-decimal" => primitive == Some(Primitive::Bytes),
        "duration" => size == Some(12),
        "uuid" => primitive == Some(Primitive::String) || size == Some(16),
        "date" | "time-millis" => primitive == Some(Primitive::Int),
        "time-micros"
        | "timestamp-millis"
        | "timestamp-micros"
        | "timestamp-nanos"
        | "local-timestamp-millis"
        | "local-timestamp-micros"
        | "local-timestamp-nanos" => primitive == Some(Primitive::Long),
        _ => false,
    };
    fits.then_some(name)
}

/// The scale of a decimal, 0 where none is given.
pub(super) fn scale(node: &Node) -> Option<i32> {
    node.property("scale").map_or(Some(0), int)
}

fn is_decimal(node: &Node, size: Option<i32>) -> bool {
    let (Some(precision), Some(scale)) = (node.property("precision").and_then(int), scale(node))
    else {
        return false;
    };
    // As many digits as the largest number of so many bits surely holds.
    let precision_max = size.map_or(f64::from(i32::MAX), |size| {
        (2_f64.log10() * (8.0 * f64::from(size) - 1.0)).floor()
    });
    precision > 0 && f64::from(precision) <= precision_max && (0..=precision).contains(&scale)
}

fn int(value: &Value) -> Option<i32> {
    value.as_number()?.as_str().parse().ok()
}

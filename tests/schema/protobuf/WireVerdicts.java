// What Square's Wire, with which Confluent's registry reads Protobuf files, makes of texts.
//
// JSON lines in: {"schema": "..."}. Out: {"error": "..."}, or {"tree": "...", "text": "..."}: all that Wire's
// tree has except comments and places, and the text that Wire prints (null where it cannot print its own tree).
// With {"descriptor": "base64"} too, `declared` has the fields that the text declares, whose names have to be
// full ones, and `described` those of the descriptor that Google's library makes of it.

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.protobuf.AnyProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.OneofDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.TimestampProto;
import com.squareup.wire.Syntax;
import com.squareup.wire.schema.Location;
import com.squareup.wire.schema.ProtoType;
import com.squareup.wire.schema.internal.parser.EnumElement;
import com.squareup.wire.schema.internal.parser.ExtendElement;
import com.squareup.wire.schema.internal.parser.ExtensionsElement;
import com.squareup.wire.schema.internal.parser.FieldElement;
import com.squareup.wire.schema.internal.parser.GroupElement;
import com.squareup.wire.schema.internal.parser.MessageElement;
import com.squareup.wire.schema.internal.parser.OneOfElement;
import com.squareup.wire.schema.internal.parser.OptionElement;
import com.squareup.wire.schema.internal.parser.ProtoFileElement;
import com.squareup.wire.schema.internal.parser.ProtoParser;
import com.squareup.wire.schema.internal.parser.ReservedElement;
import com.squareup.wire.schema.internal.parser.TypeElement;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

final class WireVerdicts {
    private final StringBuilder tree = new StringBuilder();

    private WireVerdicts() {}

    public static void main(String[] arguments) throws Exception {
        Gson gson = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(gson.toJson(answer(gson.fromJson(line, JsonObject.class))));
        }
        out.flush();
    }

    private static JsonObject answer(JsonObject request) {
        JsonObject answer = new JsonObject();
        try {
            String schema = request.get("schema").getAsString();
            ProtoFileElement file = ProtoParser.Companion.parse(Location.get(""), schema);
            WireVerdicts verdicts = new WireVerdicts();
            verdicts.file(file);
            answer.addProperty("tree", verdicts.tree.toString());
            answer.addProperty("text", text(file));
            if (request.has("descriptor")) {
                answer.addProperty("declared", DescriptorFields.declared(file));
                answer.addProperty("described", DescriptorFields.described(request.get("descriptor").getAsString()));
            }
        } catch (RuntimeException e) {
            answer.addProperty("error", String.valueOf(e.getMessage()));
        }
        return answer;
    }

    private static String text(ProtoFileElement file) {
        try {
            return file.toSchema();
        } catch (ClassCastException e) {
            // Wire cannot print a list as the value of an option.
            return null;
        }
    }

    private void put(Object... parts) {
        for (Object part : parts) {
            tree.append(part).append('|');
        }
        tree.append('\n');
    }

    private void file(ProtoFileElement file) {
        put("file", file.getSyntax(), file.getPackageName(), file.getImports(), file.getPublicImports());
        options(file.getOptions());
        types(file.getTypes());
        file.getExtendDeclarations().forEach(this::extend);
        file.getServices().forEach(service -> {
            put("service", service.getName());
            options(service.getOptions());
            service.getRpcs().forEach(rpc -> {
                put("rpc", rpc.getName(), rpc.getRequestStreaming(), rpc.getRequestType(),
                    rpc.getResponseStreaming(), rpc.getResponseType());
                options(rpc.getOptions());
            });
        });
    }

    // Messages before enums, as the registry prints them.
    private void types(List<TypeElement> types) {
        types.stream().filter(MessageElement.class::isInstance).forEach(type -> message((MessageElement) type));
        types.stream().filter(EnumElement.class::isInstance).forEach(type -> enumeration((EnumElement) type));
    }

    private void message(MessageElement message) {
        put("message", message.getName());
        message.getReserveds().forEach(this::reserved);
        options(message.getOptions());
        message.getFields().forEach(this::field);
        message.getOneOfs().forEach(this::oneof);
        message.getGroups().forEach(this::group);
        message.getExtensions().stream().map(ExtensionsElement::getValues).forEach(values -> put("extensions", values));
        message.getExtendDeclarations().forEach(this::extend);
        types(message.getNestedTypes());
        put("end");
    }

    private void enumeration(EnumElement enumeration) {
        put("enum", enumeration.getName());
        enumeration.getReserveds().forEach(this::reserved);
        options(enumeration.getOptions());
        enumeration.getConstants().forEach(constant -> {
            put("constant", constant.getName(), constant.getTag());
            options(constant.getOptions());
        });
        put("end");
    }

    private void reserved(ReservedElement reserved) {
        put("reserved", reserved.getValues());
    }

    private void oneof(OneOfElement oneof) {
        put("oneof", oneof.getName());
        options(oneof.getOptions());
        oneof.getFields().forEach(this::field);
        oneof.getGroups().forEach(this::group);
        put("end");
    }

    private void group(GroupElement group) {
        put("group", group.getLabel(), group.getName(), group.getTag());
        group.getFields().forEach(this::field);
        put("end");
    }

    private void extend(ExtendElement extend) {
        put("extend", extend.getName());
        extend.getFields().forEach(this::field);
        put("end");
    }

    private void field(FieldElement field) {
        // The registry asks for the type of every field it prints, which refuses some.
        put("field", field.getLabel(), ProtoType.get(field.getType()), field.getName(), field.getTag(),
            field.getDefaultValue(), field.getJsonName());
        options(field.getOptions());
    }

    private void options(List<OptionElement> options) {
        options.forEach(option -> put("option", option(option)));
    }

    private static String option(OptionElement option) {
        return option.getName() + (option.isParenthesized() ? "()" : "") + " " + option.getKind() + " " + value(option.getValue());
    }

    private static String value(Object value) {
        StringBuilder text = new StringBuilder();
        if (value instanceof Map<?, ?> map) {
            map.forEach((key, item) -> text.append(key).append(':').append(value(item)).append(','));
            return "{" + text + "}";
        }
        if (value instanceof List<?> list) {
            list.forEach(item -> text.append(value(item)).append(','));
            return "[" + text + "]";
        }
        if (value instanceof OptionElement.OptionPrimitive primitive) {
            return primitive.getKind() + "=" + primitive.getValue();
        }
        if (value instanceof OptionElement option) {
            return "<" + option(option) + ">";
        }
        return "'" + value + "'";
    }
}

/** Fields of messages, a line each, sorted: of a text and of a descriptor. */
final class DescriptorFields {
    private final TreeSet<String> lines = new TreeSet<>();
    private final boolean proto3;

    private DescriptorFields(boolean proto3) {
        this.proto3 = proto3;
    }

    static String declared(ProtoFileElement file) {
        DescriptorFields fields = new DescriptorFields(file.getSyntax() == Syntax.PROTO_3);
        String scope = file.getPackageName() == null ? "" : file.getPackageName() + ".";
        file.getTypes().forEach(type -> fields.declared(scope, type));
        return String.join("\n", fields.lines);
    }

    private void declared(String scope, TypeElement type) {
        if (type instanceof EnumElement found) {
            found.getConstants().forEach(constant -> lines.add(scope + found.getName() + " " + constant.getTag() + " " + constant.getName()));
        }
        if (type instanceof MessageElement found) {
            String name = scope + found.getName();
            found.getFields().forEach(field -> declared(name, field, ""));
            found.getOneOfs().forEach(oneof -> oneof.getFields().forEach(field -> declared(name, field, oneof.getName())));
            found.getNestedTypes().forEach(nested -> declared(name + ".", nested));
        }
    }

    private void declared(String message, FieldElement field, String oneof) {
        ProtoType type = ProtoType.get(field.getType());
        String kind = type.isMap() ? "map " + type.getKeyType() + " " + name(type.getValueType()) : name(type);
        String label = field.getLabel() == null ? "" : field.getLabel().name();
        line(message, field.getTag(), field.getName(), kind, type.isMap() || label.equals("REPEATED"), label.equals("REQUIRED"),
            !oneof.isEmpty(), proto3 && label.equals("OPTIONAL"), oneof);
    }

    private static String name(ProtoType type) {
        return type.toString().startsWith(".") ? type.toString().substring(1) : type.toString();
    }

    private void line(Object... parts) {
        lines.add(Arrays.stream(parts).map(String::valueOf).collect(Collectors.joining(" ")));
    }

    static String described(String base64) {
        try {
            FileDescriptorProto proto = FileDescriptorProto.parseFrom(Base64.getDecoder().decode(base64));
            FileDescriptor[] known = {TimestampProto.getDescriptor(), AnyProto.getDescriptor()};
            List<FileDescriptor> imports = Arrays.stream(known).filter(file -> proto.getDependencyList().contains(file.getName())).toList();
            FileDescriptor file = FileDescriptor.buildFrom(proto, imports.toArray(new FileDescriptor[0]));
            DescriptorFields fields = new DescriptorFields(proto.getSyntax().equals("proto3"));
            file.getMessageTypes().forEach(fields::described);
            file.getEnumTypes().forEach(fields::described);
            return String.join("\n", fields.lines);
        } catch (InvalidProtocolBufferException | DescriptorValidationException e) {
            return e.toString();
        }
    }

    private void described(EnumDescriptor found) {
        found.getValues().forEach(value -> lines.add(found.getFullName() + " " + value.getNumber() + " " + value.getName()));
    }

    private void described(Descriptor message) {
        for (FieldDescriptor field : message.getFields()) {
            String kind = kind(field);
            if (field.isMapField()) {
                Descriptor entry = field.getMessageType();
                kind = "map " + kind(entry.findFieldByNumber(1)) + " " + kind(entry.findFieldByNumber(2));
            }
            OneofDescriptor oneof = field.getRealContainingOneof();
            line(message.getFullName(), field.getNumber(), field.getName(), kind, field.isRepeated(), field.isRequired(),
                oneof != null, proto3 && oneof == null && field.getContainingOneof() != null, oneof == null ? "" : oneof.getName());
        }
        message.getNestedTypes().stream().filter(nested -> !nested.getOptions().getMapEntry()).forEach(this::described);
        message.getEnumTypes().forEach(this::described);
    }

    private static String kind(FieldDescriptor field) {
        return switch (field.getJavaType()) {
            case MESSAGE -> field.getMessageType().getFullName();
            case ENUM -> field.getEnumType().getFullName();
            default -> field.getType().name().toLowerCase(Locale.ROOT);
        };
    }
}

package io.kahvem.cli.doctor;

import java.io.PrintWriter;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultPrettyPrinter;

/// A diagnosis for a program: `{"engines": [name...], "checks": [{"name", "status", "evidence", "remedy"}...]}`.
///
/// Written by Jackson's generator alone: data binding would double the time this command takes.
final class JsonReport {
    private static final JsonFactory JSON =
            JsonFactory.builder().disable(StreamWriteFeature.AUTO_CLOSE_TARGET).build();

    void print(Diagnosis diagnosis, PrintWriter out) {
        try (JsonGenerator json = JSON.createGenerator(new Indented(), out)) {
            json.writeStartObject();
            json.writeArrayPropertyStart("engines");
            diagnosis.engines().forEach(json::writeString);
            json.writeEndArray();
            json.writeArrayPropertyStart("checks");
            for (Check check : diagnosis.checks()) {
                json.writeStartObject();
                json.writeStringProperty("name", check.name());
                json.writeStringProperty("status", check.status().name());
                json.writeStringProperty("evidence", check.evidence());
                json.writeStringProperty("remedy", check.remedy());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        out.println();
        out.flush();
    }

    private static final class Indented extends ObjectWriteContext.Base {
        @Override
        public PrettyPrinter getPrettyPrinter() {
            return new DefaultPrettyPrinter();
        }

        @Override
        public boolean hasPrettyPrinter() {
            return true;
        }
    }
}

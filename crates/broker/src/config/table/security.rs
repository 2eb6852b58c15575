//! Broker configs of authentication, authorization and TLS.
//!
//! Names, types, defaults and valid values are those of Kafka 4.3.1.

use super::super::value::configs;

configs! {
    /// Authentication, authorization and TLS.
    SECURITY
    "authorizer.class.name": String = "", Any, ReadOnly
        => "The class that decides who may do what; empty allows everything.";
    "delegation.token.expiry.check.interval.ms": Long = "3600000", AtLeast(1), ReadOnly
        => "How often expired delegation tokens are looked for.";
    "delegation.token.expiry.time.ms": Long = "86400000", AtLeast(1), ReadOnly
        => "How long a delegation token is valid unless it is renewed.";
    "delegation.token.max.lifetime.ms": Long = "604800000", AtLeast(1), ReadOnly
        => "How long a delegation token can be renewed for, from its creation.";
    "delegation.token.secret.key": Password, Any, ReadOnly
        => "The secret that delegation tokens are signed with, the same on all brokers.";
    "principal.builder.class": Class = "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder",
        Any, PerBroker
        => "The class that makes a principal out of an authenticated connection.";
    "sasl.client.callback.handler.class": Class, Any, ReadOnly
        => "The class that answers the questions of a SASL client mechanism.";
    "sasl.enabled.mechanisms": List = "GSSAPI", ListOf(&[]), PerBroker
        => "The SASL mechanisms that clients may choose from.";
    "sasl.jaas.config": Password, Any, PerBroker
        => "The login configuration of a listener in the form of a JAAS file.";
    "sasl.kerberos.kinit.cmd": String = "/usr/bin/kinit", Any, PerBroker
        => "The path of Kerberos' kinit.";
    "sasl.kerberos.min.time.before.relogin": Long = "60000", Any, PerBroker
        => "The least time between two attempts to refresh a Kerberos ticket.";
    "sasl.kerberos.principal.to.local.rules": List = "DEFAULT", ListOf(&[]), PerBroker
        => "The rules, first match wins, that turn Kerberos principals into short names.";
    "sasl.kerberos.service.name": String, Any, PerBroker
        => "The name that brokers run under in Kerberos.";
    "sasl.kerberos.ticket.renew.jitter": Double = "0.05", Any, PerBroker
        => "The random share added to the time at which a Kerberos ticket is renewed.";
    "sasl.kerberos.ticket.renew.window.factor": Double = "0.8", Any, PerBroker
        => "After which share of its life a Kerberos ticket is renewed.";
    "sasl.login.callback.handler.class": Class, Any, ReadOnly
        => "The class that answers the questions of a SASL login.";
    "sasl.login.class": Class, Any, ReadOnly
        => "The class that performs the SASL login.";
    "sasl.login.connect.timeout.ms": Int, Any, ReadOnly
        => "How long a login waits to connect to the identity provider (OAUTHBEARER).";
    "sasl.login.read.timeout.ms": Int, Any, ReadOnly
        => "How long a login waits for the identity provider's answer (OAUTHBEARER).";
    "sasl.login.refresh.buffer.seconds": Short = "300", Any, PerBroker
        => "How long before its expiry a credential is refreshed at the latest (OAUTHBEARER).";
    "sasl.login.refresh.min.period.seconds": Short = "60", Any, PerBroker
        => "How long a refreshed credential is used at least (OAUTHBEARER).";
    "sasl.login.refresh.window.factor": Double = "0.8", Any, PerBroker
        => "After which share of its life a credential is refreshed (OAUTHBEARER).";
    "sasl.login.refresh.window.jitter": Double = "0.05", Any, PerBroker
        => "The random share added to the time of a credential's refresh (OAUTHBEARER).";
    "sasl.login.retry.backoff.max.ms": Long = "10000", Any, ReadOnly
        => "The longest pause between attempts to log in at the identity provider.";
    "sasl.login.retry.backoff.ms": Long = "100", Any, ReadOnly
        => "The first pause between attempts to log in at the identity provider.";
    "sasl.mechanism.controller.protocol": String = "GSSAPI", Any, ReadOnly
        => "The SASL mechanism brokers use towards controllers.";
    "sasl.mechanism.inter.broker.protocol": String = "GSSAPI", Any, PerBroker
        => "The SASL mechanism brokers use among themselves.";
    "sasl.oauthbearer.assertion.algorithm": String = "RS256",
        OneOfAnyCase(&["ES256", "RS256"]), ReadOnly
        => "The algorithm that signs the assertion of a JWT bearer grant.";
    "sasl.oauthbearer.assertion.claim.aud": String, Any, ReadOnly
        => "The audience claim of a generated assertion.";
    "sasl.oauthbearer.assertion.claim.exp.seconds": Int = "300", Between(0, 86400), ReadOnly
        => "For how long from its making a generated assertion is valid.";
    "sasl.oauthbearer.assertion.claim.iss": String, Any, ReadOnly
        => "The issuer claim of a generated assertion.";
    "sasl.oauthbearer.assertion.claim.jti.include": Boolean = "false", Any, ReadOnly
        => "Whether a generated assertion carries a unique id.";
    "sasl.oauthbearer.assertion.claim.nbf.seconds": Int = "60", Between(0, 3600), ReadOnly
        => "How far before its making a generated assertion begins to be valid.";
    "sasl.oauthbearer.assertion.claim.sub": String, Any, ReadOnly
        => "The subject claim of a generated assertion.";
    "sasl.oauthbearer.assertion.file": String, Any, ReadOnly
        => "The file that holds a ready-made assertion.";
    "sasl.oauthbearer.assertion.private.key.file": String, Any, ReadOnly
        => "The PEM file of the key that signs assertions.";
    "sasl.oauthbearer.assertion.private.key.passphrase": Password, Any, ReadOnly
        => "The passphrase of the key that signs assertions.";
    "sasl.oauthbearer.assertion.template.file": String, Any, ReadOnly
        => "A JSON file with further headers and claims of generated assertions.";
    "sasl.oauthbearer.client.credentials.client.id": String, Any, ReadOnly
        => "The client id of a client credentials grant.";
    "sasl.oauthbearer.client.credentials.client.secret": Password, Any, ReadOnly
        => "The client secret of a client credentials grant.";
    "sasl.oauthbearer.clock.skew.seconds": Int = "30", Any, ReadOnly
        => "How far the identity provider's clock may differ from the broker's.";
    "sasl.oauthbearer.expected.audience": List = "", ListOf(&[]), ReadOnly
        => "The audiences of which a token must name at least one.";
    "sasl.oauthbearer.expected.issuer": String, Any, ReadOnly
        => "The issuer that a token must name.";
    "sasl.oauthbearer.jwks.endpoint.refresh.ms": Long = "3600000", Any, ReadOnly
        => "How long the identity provider's signing keys are kept before they are fetched again.";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms": Long = "10000", Any, ReadOnly
        => "The longest pause between attempts to fetch the signing keys.";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms": Long = "100", Any, ReadOnly
        => "The first pause between attempts to fetch the signing keys.";
    "sasl.oauthbearer.jwks.endpoint.url": String, Any, ReadOnly
        => "Where the identity provider's signing keys are, by http or as a file.";
    "sasl.oauthbearer.jwt.retriever.class": Class = "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever",
        Any, ReadOnly
        => "The class that obtains tokens.";
    "sasl.oauthbearer.jwt.validator.class": Class = "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator",
        Any, ReadOnly
        => "The class that checks tokens.";
    "sasl.oauthbearer.scope": String, Any, ReadOnly
        => "The scope asked of the identity provider.";
    "sasl.oauthbearer.scope.claim.name": String = "scope", Any, ReadOnly
        => "The name of the claim that carries the scope.";
    "sasl.oauthbearer.sub.claim.name": String = "sub", Any, ReadOnly
        => "The name of the claim that carries the subject.";
    "sasl.oauthbearer.token.endpoint.url": String, Any, ReadOnly
        => "Where the identity provider hands out tokens.";
    "sasl.server.callback.handler.class": Class, Any, ReadOnly
        => "The class that answers the questions of a SASL server mechanism.";
    "sasl.server.max.receive.size": Int = "524288", Any, ReadOnly
        => "The largest SASL message taken before a connection is authenticated.";
    "security.inter.broker.protocol": String = "PLAINTEXT",
        OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), ReadOnly
        => "The security protocol brokers use among themselves.";
    "security.providers": String, Any, ReadOnly
        => "Classes that register Java security providers.";
    "ssl.allow.dn.changes": Boolean = "false", Any, ReadOnly
        => "Whether a reloaded certificate may have another distinguished name.";
    "ssl.allow.san.changes": Boolean = "false", Any, ReadOnly
        => "Whether a reloaded certificate may have other alternative names.";
    "ssl.cipher.suites": List = "", ListOf(&[]), PerBroker
        => "The cipher suites TLS may use; empty allows all that are supported.";
    "ssl.client.auth": String = "none", OneOf(&["required", "requested", "none"]), PerBroker
        => "Whether clients must (required), may (requested) or need not (none) show a certificate.";
    "ssl.enabled.protocols": List = "TLSv1.2,TLSv1.3", ListOf(&[]), PerBroker
        => "The versions of TLS that may be negotiated.";
    "ssl.endpoint.identification.algorithm": String = "https", Any, PerBroker
        => "How a server's certificate is matched with its host name; empty does not match.";
    "ssl.engine.factory.class": Class, Any, PerBroker
        => "The class that creates TLS engines.";
    "ssl.key.password": Password, Any, PerBroker
        => "The password of the private key.";
    "ssl.keymanager.algorithm": String = "SunX509", Any, PerBroker
        => "The algorithm of the key manager.";
    "ssl.keystore.certificate.chain": Password, Any, PerBroker
        => "The certificate chain itself, in PEM form.";
    "ssl.keystore.key": Password, Any, PerBroker
        => "The private key itself, in PEM form.";
    "ssl.keystore.location": String, Any, PerBroker
        => "The file of the key store.";
    "ssl.keystore.password": Password, Any, PerBroker
        => "The password of the key store.";
    "ssl.keystore.type": String = "JKS", Any, PerBroker
        => "The format of the key store.";
    "ssl.principal.mapping.rules": String = "DEFAULT", Any, ReadOnly
        => "The rules, first match wins, that turn a certificate's name into a principal.";
    "ssl.protocol": String = "TLSv1.3", Any, PerBroker
        => "The version of TLS that contexts are created for.";
    "ssl.provider": String, Any, PerBroker
        => "The name of the Java security provider for TLS.";
    "ssl.secure.random.implementation": String, Any, PerBroker
        => "The random number generator for TLS.";
    "ssl.trustmanager.algorithm": String = "PKIX", Any, PerBroker
        => "The algorithm of the trust manager.";
    "ssl.truststore.certificates": Password, Any, PerBroker
        => "The trusted certificates themselves, in PEM form.";
    "ssl.truststore.location": String, Any, PerBroker
        => "The file of the trust store.";
    "ssl.truststore.password": Password, Any, PerBroker
        => "The password of the trust store.";
    "ssl.truststore.type": String = "JKS", Any, PerBroker
        => "The format of the trust store.";
}
